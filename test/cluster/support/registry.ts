import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, type Program, startProgram } from "./process.ts";

export const REGISTRY = "127.0.0.1:5000";

/** Starts a docker-registry at `REGISTRY`. */
export async function startRegistry(folder: string): Promise<Program> {
  const config = join(folder, "registry.json");
  await writeFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "warn" },
      storage: { filesystem: { rootdirectory: join(folder, "registry") }, delete: { enabled: true } },
      http: { addr: REGISTRY },
    }),
  );
  return startProgram({
    name: "docker-registry",
    folder,
    command: "docker-registry",
    args: ["serve", config],
    ready: () => answers(`http://${REGISTRY}/v2/`),
  });
}
