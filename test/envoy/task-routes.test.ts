import { writeFile } from "node:fs/promises";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { secretsOfFiles } from "../../tools/cluster/deploy/secrets.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";

/** What `modelgate dev -f` makes of what a ModelTask says of its routes. */

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
spec: { taskid: plain, tenant: search, service: { name: model }, timeout: 300ms, conversion: { protocol: none } }
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
const seen: http2.IncomingHttpHeaders[] = [];
const model = http2.createServer();

beforeAll(async () => {
  model.on("stream", (stream, headers) => {
    // The gateway resets what it gave up.
    stream.on("error", () => undefined);
    seen.push(headers);
    if (headers[":path"] === "/silent") return;
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  await new Promise<void>((resolve) => model.listen(0, "127.0.0.1", resolve));
  const { port } = model.address() as { port: number };
  folder = await temporaryFolder(join(tmpdir(), "modelgate-task-routes-"));
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, RESOURCES);
  gateway = await startResourceGateway({
    paths: [file],
    secrets: await secretsOfFiles([]),
    servers: new Map(["plain", "told"].map((taskid) => [taskid, { host: "127.0.0.1", port }])),
    log: pino({ level: "silent" }),
    concurrency: 1,
  });
});
afterAll(async () => {
  await gateway?.stop();
  await folder?.remove();
  model.close();
});

const call = (taskid: string, path = "/") =>
  fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, {
    headers: {
      ...{ "x-api-key": KEY, taskid, "x-own": "1" },
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
  expect((await call("plain", "/silent")).status).toBe(504);
});
