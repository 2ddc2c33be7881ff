import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findEnvoy } from "../../tools/envoy/find.ts";
import { PROJECT_ROOT } from "../../tools/wasm/modules.ts";

const COMMAND = fileURLToPath(new URL("tools/modelgate.ts", PROJECT_ROOT));

it.each(["SIGINT", "SIGTERM"] as const)("modelgate dev leaves nothing behind after %s", async (signal) => {
  await findEnvoy();
  const child = spawn(process.execPath, [COMMAND, "dev"], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let port = "";
  let folder = "";
  for await (const line of createInterface({ input: child.stderr })) {
    const serving = /serves http:\/\/127\.0\.0\.1:(\d+), access log (\S+)/.exec(line);
    if (serving) [, port = "", folder = ""] = serving;
    if (line.includes("Ctrl-C")) break;
  }
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(401);
  child.kill(signal);
  await exited;
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  expect(readdirSync(tmpdir()).map((name) => `${tmpdir()}/${name}`)).not.toContain(dirname(folder));
});

it("modelgate dev --demo gets every answer that it expects", async () => {
  const child = spawn(process.execPath, [COMMAND, "dev", "--demo"], { stdio: "ignore" });
  expect(await once(child, "exit")).toEqual([0, null]);
});
