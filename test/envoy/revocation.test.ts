import { cp, readFile, writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type Controller, startController } from "../../tools/servers/controller/controller.ts";
import { FileSource } from "../../tools/servers/controller/file-source.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { type LimitsGateway, startLimitsGateway } from "../support/limits-gateway.ts";
import { quiet } from "../support/pace.ts";

const EXAMPLE = fileURLToPath(new URL("../../manifests/examples/search", import.meta.url));

let folder: TemporaryFolder;
let controller: Controller;
let gateway: LimitsGateway;

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-revocation-"));
  await cp(EXAMPLE, folder.path, { recursive: true });
  controller = await startController({ source: new FileSource([folder.path], pino({ level: "silent" })) });
  gateway = await startLimitsGateway({
    workers: 2,
    controllerPort: controller.port,
    module: modulePath("gateway"),
    rateLimit: { controller: { gateway: "search-ingress/search-gateway", cluster: "controller" } },
    configuration: {
      tenantAuth: {
        tenants: [
          {
            tenant: "search",
            credentials: [
              { id: "a", sha256: digestOf(KEY) },
              { id: "b", sha256: digestOf("second") },
            ],
            tasks: [{ task: "666" }],
          },
        ],
      },
      protocolConversion: {},
      accessLog: {},
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await controller?.stop();
  await folder?.remove();
});

it("reaches both workers through the controller, and outlives it", async () => {
  const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const send = (agent: Agent, key: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { "x-api-key": key, taskid: "666" };
      const request = get({ port: gateway.envoy.port, host: "127.0.0.1", headers, agent }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode ?? 0));
      });
      request.once("error", reject);
    });
  const statuses = async (key: string) => new Set(await Promise.all(agents.map((agent) => send(agent, key))));
  await quiet(3000);
  expect(await statuses(KEY)).toEqual(new Set([200]));
  const file = join(folder.path, "tenant.yaml");
  const before = await readFile(file, "utf8");
  await writeFile(file, before.replace("\nspec:\n", `\nspec:\n  revoked: [${digestOf(KEY)}]\n`));
  const revoked = Date.now();
  await expect.poll(() => statuses(KEY), { timeout: 10_000, interval: 300 }).toEqual(new Set([401]));
  console.info(`revoked in both workers after ${Date.now() - revoked} ms`);
  expect(await statuses("second")).toEqual(new Set([200]));
  await controller.stop();
  await quiet(2500);
  expect(await statuses(KEY)).toEqual(new Set([401]));
  expect(await statuses("second")).toEqual(new Set([200]));
  for (const agent of agents) agent.destroy();
});
