import { rename, writeFile } from "node:fs/promises";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { secretsOfFiles } from "../../tools/cluster/deploy/secrets.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { until } from "../support/until.ts";

/** What `modelgate dev -f` makes of what a ModelTask says of its routes, and how it follows the file. */

const KEY = "a-key";
const RESOURCES = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gw, namespace: edge, hosts: ["*"] }
  tasks: [{ task: "*" }]
  credentials: [{ id: app, sha256: ${await sha256(KEY)} }]
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: plain, namespace: search }
spec: { taskid: plain, tenant: search, service: { name: model }, conversion: { protocol: none } }
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: hasty, namespace: search }
spec: { taskid: hasty, tenant: search, service: { name: model }, conversion: { protocol: none }, timeout: 300ms }
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: told, namespace: search }
spec:
  taskid: told
  tenant: search
  service: { name: model }
  conversion: { protocol: none }
  forwardHeaders: [taskid, cookie]
`;

async function sha256(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(text))).toString("hex");
}

let gateway: LocalGateway;
let folder: { path: string; remove(): Promise<void> };
let file: string;
const log: string[] = [];
const seen: http2.IncomingHttpHeaders[] = [];
const model = http2.createServer();

beforeAll(async () => {
  model.on("stream", (stream, headers) => {
    // The gateway resets what it gave up.
    stream.on("error", () => undefined);
    seen.push(headers);
    if (headers[":path"] === "/silent") return;
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(JSON.stringify("ok".repeat(100)));
  });
  await new Promise<void>((resolve) => model.listen(0, "127.0.0.1", resolve));
  const { port } = model.address() as { port: number };
  folder = await temporaryFolder(join(tmpdir(), "modelgate-task-routes-"));
  file = join(folder.path, "resources.yaml");
  await writeFile(file, RESOURCES);
  gateway = await startResourceGateway({
    paths: [file],
    secrets: await secretsOfFiles([]),
    servers: new Map(
      ["plain", "hasty", "told", "late"].map((taskid) => [taskid, { host: "127.0.0.1", port }]),
    ),
    log: pino({ level: "error" }, { write: (line: string) => void log.push(line) }),
    concurrency: 1,
  });
});
afterAll(async () => {
  await gateway?.stop();
  await folder?.remove();
  model.close();
});

/** Replaces the file, as editors do. */
async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const call = (taskid: string, path = "/") =>
  fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, {
    headers: {
      ...{ "x-api-key": KEY, taskid, "x-own": "1" },
      ...{ origin: "https://app.example", "accept-encoding": "gzip" },
      ...{ cookie: "session=1", "x-envoy-original-path": "/forged" },
    },
  });

it("the model gets no cookie, taskid or path of a caller's own, unless the task asks for them", async () => {
  expect((await call("plain")).status).toBe(200);
  expect((await call("told")).status).toBe(200);
  const [plain, told] = seen;
  expect(plain).toMatchObject({ "x-own": "1" });
  for (const name of ["cookie", "taskid", "x-envoy-original-path", "x-api-key"])
    expect(plain, name).not.toHaveProperty([name]);
  expect(told).toMatchObject({ cookie: "session=1", taskid: "told" });
  expect(told).not.toHaveProperty(["x-envoy-original-path"]);
});

it("a request ends after the task's own timeout", async () => {
  expect((await call("hasty", "/silent")).status).toBe(504);
});

it.each([
  ["by the schema", "timeout: 300ms", "timeout: soon", "resources.yaml:18: ModelTask/hasty: spec.timeout: "],
  [
    "by the filter",
    "conversion: { protocol: none }",
    'conversion: { raw: { name: "\\ud800", datatype: FP32, shape: [1] } }',
    "ModelTask/plain: spec: the filter refuses the configuration",
  ],
])("a file that is made bad (%s) is told, and changes nothing", async (_by, good, bad, told) => {
  log.length = 0;
  await write(RESOURCES.replace(good, bad));
  await until(
    async () => {
      expect((await call("plain")).status).toBe(200);
      return log.length > 0;
    },
    { message: "nothing is told" },
  );
  expect(log.join()).toContain(told);
  expect((await call("plain")).status).toBe(200);
  expect((await call("hasty", "/silent")).status).toBe(504);
});

it("routes, headers, compression and Envoy's own answers follow the file", async () => {
  const before = await call("hasty", "/silent");
  expect(before.headers.get("access-control-allow-origin")).toBeNull();
  expect((await call("plain")).headers.get("content-encoding")).toBeNull();
  const { port } = gateway.envoy;
  const changed = RESOURCES.replace(
    '  tasks: [{ task: "*" }]',
    '$&\n  cors: { origins: ["https://app.example"] }\n  compression: { responses: { minBytes: 30 } }',
  ).replace("forwardHeaders: [taskid, cookie]", "forwardHeaders: [taskid]");
  const late = RESOURCES.split("---\n")[1]?.replaceAll("plain", "late");
  await write(`${changed}---\n${late}`);
  await until(async () => (await call("late")).status === 200, { message: "the new task has no route" });
  const compressed = async () => (await call("plain")).headers.get("content-encoding") === "gzip";
  await until(compressed, { message: "nothing is compressed" });
  const own = await call("hasty", "/silent");
  expect(own.status).toBe(504);
  expect(own.headers.get("access-control-allow-origin")).toBe("https://app.example");
  seen.length = 0;
  await call("told");
  expect(seen[0]).not.toHaveProperty(["cookie"]);
  expect(seen[0]).toMatchObject({ taskid: "told" });
  expect(gateway.envoy.port).toBe(port);

  await write(RESOURCES);
  await until(async () => (await call("late")).status === 404, {
    message: "the task that is gone has a route",
  });
  expect(log.filter((line) => !line.includes("at fault"))).toEqual([]);
});
