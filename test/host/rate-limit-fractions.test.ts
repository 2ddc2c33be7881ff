import { describe, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { rateLimitConfig } from "../../tools/cluster/istio/rate-limit-config.ts";
import { header, request, SECOND, type Workers, workers } from "../support/rate-limit-vms.ts";

const apiVersion = "modelgate.dev/v1alpha1";

/** Two VMs with the limits that a Tenant and its task render to. */
function configured(taskLimits?: object, tenantLimits?: object): Workers {
  const department = tenant.parse({
    apiVersion,
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["search"],
      gateway: { name: "gateway", namespace: "search", hosts: ["search.example"] },
      ...(tenantLimits && { limits: tenantLimits }),
    },
  });
  const spec = { taskid: "1", tenant: "search", service: { name: "ranking" }, limits: taskLimits };
  const metadata = { name: "ranking", namespace: "search" };
  const task = modelTask.parse({ apiVersion, kind: "ModelTask", metadata, spec });
  return workers(
    2,
    rateLimitConfig(department, [task], undefined, () => undefined),
  );
}

/** Requests admitted when ten come each second, to one VM after the other. */
function admittedIn({ vms, process }: Workers, seconds: number): number {
  let admitted = 0;
  for (let second = 0; second < seconds; second++) {
    for (let i = 0; i < 10; i++) {
      const vm = vms[i % vms.length];
      if (vm && request(vm, { taskid: "1" }, { "modelgate.principal": "search\nx" }).reply === undefined)
        admitted++;
    }
    process.now += SECOND;
    for (const vm of vms) vm.tick();
  }
  return admitted;
}

describe("limits below one", () => {
  it.each<[string, object | undefined, object | undefined, seconds: number, admitted: number]>([
    ["a task: one in two seconds", { requestsPerSecond: 0.5 }, undefined, 20, 10],
    ["a tenant: one in two seconds", undefined, { requestsPerSecond: 0.5 }, 20, 10],
    ["a tenant's burst", undefined, { requestsPerSecond: 1, burst: 0.5 }, 20, 20],
    ["a burst below one holds one", { requestsPerSecond: 2, burst: 0.5 }, undefined, 20, 20],
    ["a burst of one and a half holds one", { requestsPerSecond: 2, burst: 1.5 }, undefined, 20, 20],
    [
      "one in two minutes",
      { requestsPerSecond: 100, windows: [{ per: "minute", requests: 0.5 }] },
      undefined,
      600,
      5,
    ],
    [
      "one in two hours",
      { requestsPerSecond: 100, windows: [{ per: "hour", requests: 0.5 }] },
      undefined,
      7300,
      2,
    ],
    ["a tenant with a window alone", undefined, { windows: [{ per: "minute", requests: 2 }] }, 120, 5],
    ["the least", { requestsPerSecond: 0.001 }, undefined, 2000, 2],
  ])("%s", (_name, task, tenant, seconds, admitted) => {
    expect(admittedIn(configured(task, tenant), seconds)).toBe(admitted);
  });

  it("the refusal says in whole numbers when to come back, and what the limit is", () => {
    const { vms } = configured({
      requestsPerSecond: 0.5,
      windows: [{ per: "hour", requests: 0.25 }],
    });
    const [vm] = vms;
    if (!vm) throw new Error("no VM");
    request(vm);
    const refused = request(vm);
    expect(refused.reply?.status).toBe(429);
    // The next token of the hour's bucket comes in four hours.
    expect(header(refused, "retry-after")).toBe("14400");
    expect(header(refused, "ratelimit-policy")).toBe('"task-second";q=1;w=2, "task-hour";q=1;w=14400');
    expect(header(refused, "ratelimit")).toBe('"task-hour";r=0;t=14400');
  });
});
