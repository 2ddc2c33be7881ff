import { expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { rateLimitConfig } from "../../tools/cluster/istio/rate-limit-config.ts";
import { request, workers } from "../support/rate-limit-vms.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const SHA = (digit: string) => digit.repeat(64);

/** A VM with the limits that a Tenant and its task of 100 requests a second render to. */
function configured(priorities: object) {
  const department = tenant.parse({
    apiVersion,
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["search"],
      gateway: { name: "gateway", namespace: "search", hosts: ["search.example"] },
      credentials: [
        { id: "site", sha256: SHA("1"), priority: "online" },
        { id: "batch", sha256: SHA("2"), priority: "offline" },
        { id: "other", sha256: SHA("3") },
      ],
      priorities,
    },
  });
  const task = modelTask.parse({
    apiVersion,
    kind: "ModelTask",
    metadata: { name: "ranking", namespace: "search" },
    spec: {
      taskid: "1",
      tenant: "search",
      service: { name: "ranking" },
      limits: { requestsPerSecond: 100 },
    },
  });
  const [vm] = workers(
    1,
    rateLimitConfig(department, [task], undefined, () => undefined),
  ).vms;
  return (requests: number, credential: string, headers = {}) => {
    let admitted = 0;
    for (let i = 0; i < requests; i++) {
      const state = { "modelgate.principal": `search\n${credential}` };
      if (vm && request(vm, { taskid: "1", ...headers }, state).reply === undefined) admitted++;
    }
    return admitted;
  };
}

const classes = [{ name: "online", reservedPercent: 40 }, { name: "offline" }];

it("a credential's priority keeps what others can't use", () => {
  const send = configured({ classes });
  expect(send(200, "batch")).toBe(60);
  expect(send(200, "site")).toBe(40);
});

it("credentials without one are of the first class, or of the default", () => {
  const first = configured({ classes });
  first(200, "batch");
  expect(first(200, "other")).toBe(40);
  const last = configured({ classes, default: "offline" });
  last(200, "batch");
  expect(last(200, "other")).toBe(0);
});

it("callers may choose by the header, if a header is named", () => {
  const send = configured({ classes, header: "x-priority" });
  expect(send(200, "other", { "x-priority": "offline" })).toBe(60);
  expect(send(200, "batch", { "x-priority": "online" })).toBe(0);
  expect(send(200, "other", { "x-priority": "online" })).toBe(40);
});
