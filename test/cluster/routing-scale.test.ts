import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant as tenantSchema } from "../../tools/api/tenant.ts";
import { routeTree } from "../../tools/cluster/istio/route-tree.ts";
import { virtualService } from "../../tools/cluster/istio/virtual-service.ts";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { median } from "../bench/load.ts";
import { settle } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { answers, startProgram } from "./support/process.ts";
import { listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

/** Numbers of tasks, such as 1,100,1000,5000: npm run bench:routing. */
const COUNTS = (process.env.ROUTING_TASKS ?? "").split(",").filter(Boolean).map(Number);
const NAMESPACE = "scale";
const CHANGES = 12;
const CONTROLLER_CHANGES = 40;
const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const tenant = new TestTenant("scale", NAMESPACE, 8866);

describe.runIf(COUNTS.length > 0)("routing of many tasks", () => {
  let cluster: Cluster;
  let image: string;
  beforeAll(async () => {
    cluster = await startCluster();
    image = await pushModule("gateway");
    await cluster.apply(
      ...[NAMESPACE, "modelgate-system"].map((name) => ({
        ...{ apiVersion: "v1", kind: "Namespace", metadata: { name } },
      })),
      ...modelServer(NAMESPACE, "probe", [{ version: "v1", port: 9000 }]),
    );
  });
  afterAll(() => cluster?.stop());

  /** @returns how many seconds it takes until the probe is served */
  const apply = async (routing: string, count: number) => {
    const others = Array.from({ length: count - 1 }, (_, index) => tenant.task(`task-${index}`));
    const resources = listOf(tenant.resource({ routing }), tenant.task("probe"), ...others);
    const args = ["apply", "-f", "-", "--image", image, "--prune"];
    const started = performance.now();
    const applied = await runModelgate(cluster.kubeconfig, args, resources);
    expect(applied.code, applied.stderr.slice(0, 2000)).toBe(0);
    await tenant.untilServed("probe");
    return (performance.now() - started) / 1000;
  };

  /** Seconds from the apply of a changed probe to the first answer that shows the change. */
  const changed = async (routing: string, status: number) => {
    const task = modelTask.parse(tenant.task("probe", { fault: { abort: { status, percent: 100 } } }));
    const owner = tenantSchema.parse(tenant.resource({ routing }));
    const objects = [virtualService(owner, task), ...routeTree(owner, [task], "istio").slice(0, -1)];
    const started = performance.now();
    for (const object of objects)
      await cluster.client.apply(object, { fieldManager: "modelgate", force: true });
    const isChanged = async () => (await tenant.call("probe")).status === status;
    await until(isChanged, { withinMs: 300_000, everyMs: 5, message: `the task does not answer ${status}` });
    return (performance.now() - started) / 1000;
  };

  /** Seconds from the apply of a changed ModelTask to the first answer that shows the change, by a controller. */
  const changedByController = async (status: number) => {
    const started = performance.now();
    const task = tenant.task("probe", { fault: { abort: { status, percent: 100 } } });
    await cluster.client.apply(task, { fieldManager: "kubectl", force: true });
    const isChanged = async () => (await tenant.call("probe")).status === status;
    await until(isChanged, { withinMs: 300_000, everyMs: 5, message: `the task does not answer ${status}` });
    return (performance.now() - started) / 1000;
  };

  /** Measures changes of a ModelTask that a controller brings to the gateway, of as many tasks as there are. */
  const byController = async () => {
    const controller = await startProgram({
      ...{ name: "controller", folder: cluster.folder, command: process.execPath },
      args: [
        ...[MODELGATE, "controller", "--kubeconfig", cluster.kubeconfig, "--authenticate", "none"],
        ...["--image", image, "--listen", "127.0.0.1:18601", "--admin", "127.0.0.1:18602"],
      ],
      ready: () => answers("http://127.0.0.1:18602/readyz"),
    });
    try {
      // The first one waits until the controller has all of them.
      await changedByController(450);
      const times: number[] = [];
      for (let i = 0; i < CONTROLLER_CHANGES; i++) times.push(await changedByController(451 + i));
      return times.sort((a, b) => a - b);
    } finally {
      await controller.stop();
    }
  };

  /** Bytes and number of the route configurations that istiod has pushed. */
  const pushed = async () => {
    const text = await (await fetch("http://127.0.0.1:15014/metrics")).text();
    const value = (name: string) =>
      Number(
        new RegExp(`^pilot_xds_config_size_bytes_${name}\\{[^}]*RouteConfiguration[^}]*\\} (.*)$`, "m").exec(
          text,
        )?.[1],
      );
    return { sum: value("sum"), count: value("count") };
  };

  it.each(COUNTS.flatMap((count) => ["routes", "tree"].map((routing) => [count, routing] as const)))(
    "%i tasks, %s",
    { timeout: 900_000 },
    async (count, routing) => {
      const seconds = await apply(routing, count);
      await settle(3000);
      const labelSelector = "istio=scale-gateway";
      const [pod] = await cluster.client.list("v1", "Pod", { namespace: NAMESPACE, labelSelector });
      const { name = "" } = pod?.metadata ?? {};
      const before = await pushed();
      const times: number[] = [];
      for (let i = 0; i < CHANGES; i++) times.push(await changed(routing, 420 + i));
      const after = await pushed();
      const memory = JSON.parse(await envoyAdmin(cluster.client, { namespace: NAMESPACE, name }, "/memory"));
      const bytes = (after.sum - before.sum) / (after.count - before.count);
      const mib = (value: number) => `${(value / 2 ** 20).toFixed(2)} MiB`;
      console.log(
        `${count} tasks, ${routing}: apply ${seconds.toFixed(1)} s; a change takes ${median(times).toFixed(2)} s ` +
          `(longest of ${CHANGES}: ${Math.max(...times).toFixed(2)} s); RDS push ${mib(bytes)}; ` +
          `Envoy's memory ${mib(Number(memory.allocated))}`,
      );
      if (routing !== "tree") return;
      const ofController = await byController();
      console.log(
        `${count} tasks, one ModelTask changed, by the controller: ${median(ofController).toFixed(2)} s; ` +
          `longest of ${ofController.length}: ${ofController.at(-1)?.toFixed(2)} s`,
      );
    },
  );
});
