import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { until } from "../support/until.ts";
import { type ControlPlane, installDefinitions, startControlPlane } from "./support/api-server.ts";
import { writeMany } from "./support/many.ts";
import { runModelgate } from "./support/modelgate.ts";

const IMAGE = `oci://registry.example/modelgate/gateway@sha256:${"a".repeat(64)}`;
const TASKS = 600;

let folder: TemporaryFolder;
let files: TemporaryFolder;
let cluster: ControlPlane;
beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-resumed-"));
  files = await temporaryFolder(join(tmpdir(), "modelgate-files-"));
  await writeMany(files.path, 10, TASKS);
  cluster = await startControlPlane(folder.path);
  await installDefinitions(cluster);
});
afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
  await folder?.remove();
  await files?.remove();
});

const modelgate = (args: string[], signal?: AbortSignal) =>
  runModelgate(cluster.kubeconfig, [...args, "-f", files.path], "", signal);
const routes = () => cluster.client.list("networking.istio.io/v1", "DestinationRule");

it("an apply that was killed goes on where it ended", async () => {
  const killed = new AbortController();
  const first = modelgate(["apply", "--image", IMAGE, "--create-namespaces"], killed.signal);
  await until(async () => (await routes()).length >= 50, {
    withinMs: 120_000,
    message: "fewer than 50 routes",
  });
  killed.abort();
  await first;
  const left = (await routes()).length;
  expect(left).toBeLessThan(TASKS);

  expect((await modelgate(["diff", "--image", IMAGE])).code).toBe(1);
  const resumed = await modelgate(["apply", "--image", IMAGE]);
  expect(resumed.stderr).toBe("");
  expect(resumed.code).toBe(0);
  const [, created, unchanged] = /^(\d+) created, (\d+) unchanged$/m.exec(resumed.stdout) ?? [];
  console.log(
    `${left} of ${TASKS} DestinationRules when killed; then ${created} created, ${unchanged} unchanged`,
  );
  expect(Number(unchanged)).toBeGreaterThanOrEqual(left);
  expect(await routes()).toHaveLength(TASKS);
  expect((await modelgate(["apply"])).stdout).toMatch(/^\d+ unchanged\n$/);
});
