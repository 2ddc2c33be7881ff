import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { answers, type Program, startProgram } from "./process.ts";

/** By who may pull. */
export const REGISTRIES = { anybody: "127.0.0.1:5000", basic: "127.0.0.1:5001", token: "127.0.0.1:5002" };
export const REGISTRY = REGISTRIES.anybody;
/** Name of this machine as the token server's. */
export const TOKEN_HOST = "tokens.registry.example";

/** Starts a docker-registry at `REGISTRY`. */
export function startRegistry(folder: string): Promise<Program> {
  return start(folder, "docker-registry", REGISTRY, undefined, () => answers(`http://${REGISTRY}/v2/`));
}

/** Another one before the same images that asks who pulls. @param auth of the registry's configuration */
export function startGuardedRegistry(
  folder: string,
  kind: "basic" | "token",
  auth: object,
): Promise<Program> {
  const address = REGISTRIES[kind];
  const refuses = async () => (await fetch(`http://${address}/v2/`)).status === 401;
  return start(folder, `docker-registry-${kind}`, address, auth, refuses);
}

async function start(
  folder: string,
  name: string,
  address: string,
  auth: object | undefined,
  ready: () => Promise<boolean>,
): Promise<Program> {
  const config = join(folder, `${name}.json`);
  await writeFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "warn" },
      storage: { filesystem: { rootdirectory: join(folder, "registry") }, delete: { enabled: true } },
      http: { addr: address },
      ...(auth && { auth }),
    }),
  );
  return startProgram({ name, folder, command: "docker-registry", args: ["serve", config], ready });
}
