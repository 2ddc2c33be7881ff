import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Program } from "../cluster/support/process.ts";
import { missingPrograms } from "../support/registry.ts";
import { until } from "../support/until.ts";
import { apply, client, gatewayPods, rolledOut } from "./support/cluster.ts";
import { nodeFolder } from "./support/control.ts";
import { serveExternalMetrics } from "./support/external-metrics.ts";
import { MODELGATE_IMAGE } from "./support/images.ts";
import { kubectl } from "./support/istio.ts";
import { PROMETHEUS_URL, startPrometheus } from "./support/prometheus.ts";
import { untilServed, whileAsked } from "./support/requests.ts";
import { type SearchTenant, SYSTEM, searchTenant } from "./support/search.ts";
import { modelServer } from "./support/workloads.ts";

const TASKID = "668";
const NAME = "service-668";
const MOST = 4;
const CALLERS = 16;
/** Of each caller a request is in flight for most of the time, so that together they have work for all replicas. */
const MODEL_MS = 600;
const IN_FLIGHT_PER_REPLICA = 3;
/** The demo's model server, but that it takes its time. */
const SLOW_MODEL = `
import { createRequire } from "node:module";
const { Server } = createRequire("/app/")("@grpc/grpc-js");
const { addService } = Server.prototype;
Server.prototype.addService = function (service, handlers) {
  const inTime = (handle) => (...call) => setTimeout(() => handle.apply(handlers, call), ${MODEL_MS});
  const slow = ([name, handle]) => [name, /^modelinfer$/i.test(name) ? inTime(handle) : handle];
  return addService.call(this, service, Object.fromEntries(Object.entries(handlers).map(slow)));
};
await import("/app/tools/serving/model-server/main.js");
`;
const TASK = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "ModelTask",
  metadata: { name: "scaled", namespace: "search" },
  spec: {
    ...{ taskid: TASKID, tenant: "search", service: { name: NAME } },
    workload: { deployment: `${NAME}-v1`, container: "model" },
    limits: { perReplica: 500, maxInFlightPerReplica: 64 },
    warmUp: { requests: 5, request: { model: "linear" } },
    drain: { endpointTimeout: "5s" },
    autoscaling: {
      minReplicas: 1,
      maxReplicas: MOST,
      inFlightPerReplica: IN_FLIGHT_PER_REPLICA,
      scaleDownAfter: "5s",
    },
  },
};

/** A step down each 15 s, where what is rendered has a minute between two. */
const SOONER = [{ op: "replace", path: "/spec/behavior/scaleDown/policies/0/periodSeconds", value: 15 }];

const lacking = process.env.PROMETHEUS ? [] : missingPrograms("prometheus");
if (lacking.length > 0)
  console.warn("autoscaling is not tested: install prometheus, or name one in $PROMETHEUS");

describe.skipIf(lacking.length > 0)("autoscaling by requests in flight", () => {
  let tenant: SearchTenant;
  let key = "";
  let prometheus: Program | undefined;
  let endMetrics: (() => void) | undefined;
  const run = async (command: string) => {
    const { code, stdout, stderr } = await tenant.tutorial.run(command);
    if (code !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
    return stdout;
  };

  beforeAll(async () => {
    tenant = await searchTenant();
    await reportToController(tenant.filter);
    prometheus = await startPrometheus(nodeFolder(), await addressesOf("modelgate-controller"));
    endMetrics = await serveExternalMetrics(nodeFolder(), PROMETHEUS_URL);
    await apply(
      ...modelServer("search", NAME, {
        care: false,
        command: ["node", "--input-type=module", "-e", SLOW_MODEL],
      }),
    );
    const create = "modelgate credentials create scaled -f my-tenant/tenant.yaml --not-after 90d";
    key = (await run(`${create} --tasks ${TASKID}`)).trim().split(/\s+/).at(-1) ?? "";
    await writeFile(join(nodeFolder(), "story", "scaled.json"), JSON.stringify(TASK));
    // The controller does the rest.
    await run("kubectl apply -f my-tenant -f scaled.json");
    await run(
      `modelgate render --target deployment-patch --command-image ${MODELGATE_IMAGE} -f scaled.json > patch.yaml`,
    );
    await run(`kubectl -n search patch deployment ${NAME}-v1 --patch-file patch.yaml`);
    // The gateway's pods start anew for the key to what is sealed now: the token of their reports.
    for (const name of [`${NAME}-v1`, "search-gateway"]) await rolledOut("search", `deployment/${name}`);
    await untilServed(key, TASKID);
    await run("modelgate render --target hpa -f scaled.json | kubectl apply -f -");
    await run(`kubectl -n search patch hpa ${NAME}-v1 --type=json -p '${JSON.stringify(SOONER)}'`);
  }, 900_000);
  afterAll(async () => {
    endMetrics?.();
    await prometheus?.stop();
  });

  const ready = async () => {
    const deployment = { apiVersion: "apps/v1", kind: "Deployment" };
    const found = await client.get({ ...deployment, metadata: { name: `${NAME}-v1`, namespace: "search" } });
    return (found.status as { readyReplicas?: number }).readyReplicas ?? 0;
  };

  const untilReady = async (replicas: number) => {
    const options = { withinMs: 300_000, everyMs: 500, message: `the model has not ${replicas} replicas` };
    await until(async () => (await ready()) === replicas, options).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await kubectl("-n", "search", "describe", "hpa", `${NAME}-v1`)}`);
    });
  };

  it(`brings a model from 1 to ${MOST} replicas and back, and loses nothing`, async () => {
    expect(await ready()).toBe(1);
    expect(await gatewayPods()).not.toEqual([]);
    const started = Date.now();
    const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
    const up = await whileAsked(key, () => untilReady(MOST), { taskid: TASKID, callers: CALLERS });
    console.log(`${MOST} replicas after ${seconds()} s under ${CALLERS} callers: ${JSON.stringify(up)}`);
    const down = await whileAsked(key, () => untilReady(1), { taskid: TASKID, callers: 1 });
    console.log(`1 replica after ${seconds()} s: ${JSON.stringify(down)}`);
    expect(up).toEqual({ 200: expect.any(Number) });
    expect(down).toEqual({ 200: expect.any(Number) });
  }, 600_000);
});

/** Of the pods that are not ending. @param app a label */
async function addressesOf(app: string): Promise<string[]> {
  const pods = await client.list("v1", "Pod", { namespace: SYSTEM, labelSelector: `app=${app}` });
  return pods
    .filter(({ metadata }) => !("deletionTimestamp" in metadata))
    .map(({ status }) => (status as { podIP: string }).podIP);
}

/** Gateways tell the controller of their requests in flight, as docs/operate/install.md has it. */
async function reportToController(filter: string): Promise<void> {
  const metadata = { name: "report", namespace: "search" };
  await apply(
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/service-account-token",
      metadata: { ...metadata, annotations: { "kubernetes.io/service-account.name": "report" } },
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "modelgate-secret-reader",
      },
      subjects: [{ kind: "ServiceAccount", name: "modelgate-controller", namespace: SYSTEM }],
    },
  );
  const flags = ["--image", filter, "--controller", `${SYSTEM}/modelgate-controller:8090`];
  const args = ["controller", ...flags, "--controller-token-secret", "report"];
  const containers = [{ name: "controller", args }];
  const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
  await kubectl("-n", SYSTEM, "patch", "deployment", "modelgate-controller", "-p", patch);
  await rolledOut(SYSTEM, "deployment/modelgate-controller");
}
