import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { newFolder } from "../../tools/local/own-module/new-folder.ts";
import { startModelServer } from "../../tools/serving/model-server/server.ts";
import { probeModule } from "../support/converter.ts";
import { freePort } from "../support/free-port.ts";
import { missingPrograms, startTestRegistry } from "../support/registry.ts";

const missing = missingPrograms("docker-registry");
const COMMAND = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));

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

it("modelgate dev -f follows the resources as they change, with a controller beside Envoy", async () => {
  const resources = await temporaryFolder(join(tmpdir(), "modelgate-dev-test-"));
  await cp(fileURLToPath(new URL("manifests/examples/search", PROJECT_ROOT)), resources.path, {
    recursive: true,
  });
  const models = await startModelServer();
  const wanted = String(await freePort());
  const server = ["--server", `666=127.0.0.1:${models.port}`, "--port", wanted];
  const child = spawn(process.execPath, [COMMAND, "dev", "-f", resources.path, ...server], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    let port = "";
    const log: string[] = [];
    const lines = createInterface({ input: child.stderr });
    lines.on("line", (line) => log.push(line));
    for await (const line of lines) {
      port = /serves http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port;
      if (line.includes("Ctrl-C")) break;
    }
    const status = async () => {
      const headers = { "x-api-key": "demo-search-key", taskid: "666" };
      const response = await fetch(`http://127.0.0.1:${port}/v2/models/linear/ready`, { headers });
      await response.text();
      return response.status;
    };
    expect(await status(), log.join("\n")).toBe(200);
    expect(port).toBe(wanted);
    const body = `{"inputs":[{"name":"x","shape":[1,8],"datatype":"FP32","data":[1,2,3,4,5,6,7,8]}]}`;
    const command = [
      ...["-sS", `localhost:${port}/v2/models/linear/infer`, "-d", body],
      ...["-H", "x-api-key: demo-search-key", "-H", "taskid: 666"],
    ];
    const { stdout } = await promisify(execFile)("curl", command);
    expect(JSON.parse(stdout)).toMatchObject({ model_name: "linear", outputs: [{ datatype: "FP32" }] });
    const file = join(resources.path, "tenant.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("- id: search-demo", "- id: search-demo\n      enabled: false"));
    await expect.poll(status).toBe(401);
    await writeFile(file, text);
    await expect.poll(status).toBe(200);
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    models.stop();
    await resources.remove();
  }
});

it.skipIf(missing.length > 0)(
  "modelgate dev -f runs the converters that ModelTasks name",
  async () => {
    const own = await temporaryFolder(join(tmpdir(), "modelgate-dev-test-"));
    const registry = await startTestRegistry(own.path);
    const resources = join(own.path, "search");
    await cp(fileURLToPath(new URL("manifests/examples/search", PROJECT_ROOT)), resources, {
      recursive: true,
    });
    const image = await packImage(await readFile(await probeModule("other")), "compat");
    const pushed = await pushImage(image, parseReference(`oci://${registry.host}/converters/other:1`));
    const file = join(resources, "tasks.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("spec:\n", `spec:\n  conversion: { converter: "${pushed}" }\n`));
    const child = spawn(process.execPath, [COMMAND, "dev", "-f", resources], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      let output = "";
      child.stderr.on("data", (data) => {
        output += data;
      });
      await expect.poll(() => output, { timeout: 60_000 }).toContain("Ctrl-C");
      const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      const headers = { "x-api-key": "demo-search-key", taskid: "666" };
      const response = await fetch(url, { method: "POST", headers, body: "x" });
      expect(await response.text()).toBe("other");
    } finally {
      child.kill("SIGTERM");
      await once(child, "exit");
      registry.stop();
      await own.remove();
    }
  },
  120_000,
);

it("modelgate dev --converter swaps the converter when its file changes, and keeps it when that does not compile", async () => {
  const own = await temporaryFolder(join(tmpdir(), "modelgate-dev-test-"));
  const folder = join(own.path, "best-class");
  await newFolder({ kind: "converter", folder }, "best-class");
  const source = join(folder, "converter.ts");
  const text = await readFile(source, "utf8");
  const child = spawn(process.execPath, [COMMAND, "dev", "--converter", folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const log: string[] = [];
    const lines = createInterface({ input: child.stderr });
    lines.on("line", (line) => log.push(line));
    await expect.poll(() => log.join("\n"), { timeout: 240_000 }).toContain("Ctrl-C");
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+\//.exec(log.join("\n")) ?? [];
    const answer = async () => {
      const body = '{"rows": [[1, 2, 3, 4, 5, 6, 7, 8]]}';
      const response = await fetch(url, { method: "POST", headers: { taskid: "dev" }, body });
      return Object.keys((await response.json()) as object);
    };
    expect(await answer(), log.join("\n")).toEqual(["best", "scores"]);
    await writeFile(source, text.replace('key("best")', 'key("winner")'));
    await expect.poll(answer, { timeout: 240_000 }).toEqual(["winner", "scores"]);
    await writeFile(source, text.replace("FEATURES = 8", "FEATURES = nothing"));
    await expect.poll(() => log.join("\n"), { timeout: 240_000 }).toContain("Cannot find name 'nothing'");
    expect(await answer()).toEqual(["winner", "scores"]);
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    await own.remove();
  }
}, 600_000);

it("modelgate dev --filter follows the source and config.json of a filter, and says where it fails", async () => {
  const own = await temporaryFolder(join(tmpdir(), "modelgate-dev-test-"));
  const folder = join(own.path, "header-guard");
  await newFolder({ kind: "filter", folder }, "header-guard");
  const source = join(folder, "header-guard.ts");
  const text = await readFile(source, "utf8");
  const configuration = join(folder, "config.json");
  const child = spawn(process.execPath, [COMMAND, "dev", "--filter", folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const said = () => log.join("\n");
    await expect.poll(said, { timeout: 240_000 }).toContain("Ctrl-C");
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said()) ?? [];
    const guardedBy = async () => (await fetch(url)).headers.get("x-guarded-by");
    expect(await guardedBy(), said()).toBe("header-guard");
    await writeFile(configuration, '{ "headerGuard": { "header": "x-debug", "name": "other" } }');
    await expect.poll(guardedBy, { timeout: 240_000 }).toBe("other");
    await writeFile(configuration, '{ "headerGuard": { "header": "x-debug" } }');
    await expect.poll(said, { timeout: 240_000 }).toContain("headerGuard.name: is required");
    expect(await guardedBy()).toBe("other");
    await writeFile(configuration, '{ "headerGuard": { "header": "x-debug", "name": "looping" } }');
    const looping = text.replace(
      "    http.refuse(REFUSED);",
      "    while (this.value.len >= 0) this.value.len++;\n$&",
    );
    await writeFile(source, looping);
    await expect.poll(guardedBy, { timeout: 240_000 }).toBe("looping");
    expect((await fetch(url, { headers: { "x-debug": "1" } })).status).toBe(503);
    const line = looping.slice(0, looping.indexOf("while (")).split("\n").length;
    await expect.poll(said).toMatch(new RegExp(`header-guard\\.ts:${line}:\\d+`));
    expect(said()).toContain("more instructions than it may");
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    await own.remove();
  }
}, 600_000);
