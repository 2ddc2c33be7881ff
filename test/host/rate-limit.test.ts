import { expect, it } from "vitest";
import { HostProcess, Vm } from "../../tools/host/host.ts";
import { modulePath } from "../../tools/wasm/modules.ts";

const SECOND = 1_000_000_000n;

function workers(count: number, config: object): { process: HostProcess; vms: Vm[] } {
  const process = new HostProcess();
  const vms = Array.from({ length: count }, () => new Vm(modulePath("rate-limit"), process));
  for (const vm of vms) expect(vm.configure({ rateLimit: config })).toBe(true);
  return { process, vms };
}

function admitted(vm: Vm, taskid = "1"): boolean {
  const stream = vm.open({ taskid });
  stream.close();
  return stream.reply === undefined;
}

it("admits the burst, then the rate, over all workers together", () => {
  const { process, vms } = workers(3, { tasks: [{ taskid: "1", requestsPerSecond: 10, burst: 20 }] });
  const count = (requests: number) =>
    Array.from({ length: requests }, (_, i) => admitted(vms[i % 3] as Vm)).filter(Boolean).length;
  expect(count(100)).toBe(20);
  process.now += SECOND;
  expect(count(100)).toBe(10);
  process.now += SECOND / 10n;
  expect(count(5)).toBe(1);
  process.now += 100n * SECOND;
  expect(count(100)).toBe(20);
});

it("leases many tokens at once when the rate is high, and never gives more than there are", () => {
  const { process, vms } = workers(2, { tasks: [{ taskid: "1", requestsPerSecond: 100_000, burst: 1000 }] });
  const [vm] = vms as [Vm, Vm];
  vm.calls.length = 0;
  for (let i = 0; i < 500; i++) expect(admitted(vm)).toBe(true);
  expect(vm.calls.filter((call) => call === "set_shared_data").length).toBeLessThanOrEqual(2);
  let total = 500;
  for (let i = 0; i < 5000; i++) if (admitted(vms[i % 2] as Vm)) total++;
  expect(total).toBe(1000);
  process.now += SECOND;
  let next = 0;
  for (let i = 0; i < 5000; i++) if (admitted(vms[i % 2] as Vm)) next++;
  expect(next).toBe(1000);
});

it("limits a tenant over its tasks, and gives its token back when the task refuses", () => {
  const { vms } = workers(1, {
    tasks: [{ taskid: "1", requestsPerSecond: 1, burst: 2 }],
    tenants: [{ tenant: "search", requestsPerSecond: 1, burst: 4 }],
  });
  const vm = vms[0] as Vm;
  const reasons = ["1", "1", "1", "2", "2", "2"].map(
    (taskid) => vm.open({ taskid }, false, { "modelgate.principal": "search\nbatch" }).reply?.details,
  );
  expect(reasons).toEqual([
    undefined,
    undefined,
    "task_rate_limited",
    undefined,
    undefined,
    "tenant_rate_limited",
  ]);
});

it("lets tasks without a limit through without a look at the clock", () => {
  const { vms } = workers(1, { tasks: [{ taskid: "1", requestsPerSecond: 1 }] });
  const vm = vms[0] as Vm;
  vm.calls.length = 0;
  expect(admitted(vm, "2")).toBe(true);
  expect(vm.calls).toEqual(["get_header_map_pairs", "get_property"]);
});

it.each([
  [{ tasks: [{ taskid: "1" }] }, "rateLimit.tasks[0].requestsPerSecond: is required"],
  [{ tasks: [{ taskid: "1", requestsPerSecond: 0 }] }, "must be at least 1"],
  [{ tasks: [1, 2].map(() => ({ taskid: "1", requestsPerSecond: 1 })) }, "has a limit already"],
])("refuses the configuration %j", (config, message) => {
  const vm = new Vm(modulePath("rate-limit"));
  expect(vm.configure({ rateLimit: config })).toBe(false);
  expect(vm.logs.at(-1)).toContain(message);
});
