import { execFileSync, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface TestRegistry {
  /** `127.0.0.1:port` */
  host: string;
  stop(): void;
}

/** Programs that are not on PATH. */
export function missingPrograms(...programs: string[]): string[] {
  return programs.filter((program) => {
    try {
      return !execFileSync("sh", ["-c", `command -v ${program}`]).length;
    } catch {
      return true;
    }
  });
}

/** Starts a real docker-registry on a free port, with the section `auth` of its configuration. */
export async function startTestRegistry(folder: string, auth?: object): Promise<TestRegistry> {
  const port = await freePort();
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      http: { addr: `127.0.0.1:${port}` },
      ...(auth && { auth }),
    }),
  );
  const registry = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  for (let i = 0; i < 100; i++) {
    if (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined))
      return { host: `127.0.0.1:${port}`, stop: () => registry.kill() };
    await sleep(50);
  }
  registry.kill();
  throw new Error("the registry did not start");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
