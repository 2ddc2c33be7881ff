import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";

/**
 * Writes the annotations that a pod's container sees as files (volumes of the downward API), below `home` as
 * the kubelet would below `/`.
 * @returns the variables of the container that name a path there, with the path where the file is
 */
export async function downwardFiles(
  { metadata, spec }: V1Pod,
  home: string,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  const [container] = spec?.containers ?? [];
  for (const { name, mountPath } of container?.volumeMounts ?? []) {
    const items = spec?.volumes?.find((volume) => volume.name === name)?.downwardAPI?.items ?? [];
    for (const { path, fieldRef } of items) {
      const [, key = ""] = /^metadata\.annotations\['(.+)'\]$/.exec(fieldRef?.fieldPath ?? "") ?? [];
      const file = join(home, mountPath, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, metadata?.annotations?.[key] ?? "");
      for (const each of container?.env ?? [])
        if (each.value === join(mountPath, path)) variables[each.name] = file;
    }
  }
  return variables;
}
