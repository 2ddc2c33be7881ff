import { pino } from "pino";
import { beforeAll, describe, expect, it } from "vitest";
import { tenant } from "../../tools/api/tenant.ts";
import { Budgets } from "../../tools/servers/budgets/budgets.ts";
import type { BudgetState } from "../../tools/servers/budgets/state.ts";
import { BudgetConflict, type BudgetStore } from "../../tools/servers/budgets/store.ts";
import { BudgetProcess, REFUSAL } from "../support/budget-process.ts";
import { SECOND } from "../support/rate-limit-vms.ts";
import { builtTestModule } from "../support/wasm.ts";

const silent = pino({ level: "silent" });
const search = (budgets: object[]) =>
  tenant.parse({
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      ...{ gateway: { name: "ingress", namespace: "search", hosts: ["a.example"] }, namespaces: ["search"] },
      priorities: { classes: [{ name: "online" }, { name: "batch" }] },
      budgets,
    },
  });

class MemoryStore implements BudgetStore {
  readonly name = "memory";
  text = "";
  revision = 0;
  async load() {
    return this.text === "" ? undefined : { state: this.state, revision: String(this.revision) };
  }
  async commit(of: string, state: BudgetState, revision: string | undefined) {
    if (revision !== (this.text === "" ? undefined : String(this.revision))) throw new BudgetConflict(of);
    this.text = JSON.stringify(state);
    return String(++this.revision);
  }
  async close() {}
  get state(): BudgetState {
    return JSON.parse(this.text);
  }
}

let module: string;
beforeAll(async () => {
  module = await builtTestModule("budget-spender");
});

/** The real controller's side, and how the process `pod` speaks with it. */
function controller(budgets: object[], store = new MemoryStore()) {
  const served = new Budgets({ store, log: silent });
  served.apply([search(budgets)]);
  const by = (pod: string) => (report: never) => served.exchange({ gateway: "search/ingress", pod }, report);
  return { store, served, by };
}

const monthly = { name: "monthly", per: "month", tokens: 1000 };

describe("a gateway process", () => {
  it("knows nothing before the controller said something, then spends what it is given, in all its VMs", async () => {
    const { store, by } = controller([monthly]);
    const gateway = new BudgetProcess(module);
    expect(gateway.take(0, "monthly", 100)).toEqual({ lease: 0, refusal: REFUSAL.unknown });
    await gateway.exchange(by("a"));
    // Twice what was asked for in the second before.
    expect(gateway.state("monthly")).toMatchObject({ left: 200, remaining: 1000, limit: 1000, warned: 0 });
    const { lease } = gateway.take(0, "monthly", 150);
    expect(gateway.take(1, "monthly", 60)).toEqual({ lease: 0, refusal: REFUSAL.short });
    expect(gateway.take(1, "monthly", 5000)).toEqual({ lease: 0, refusal: REFUSAL.spent });
    gateway.run(1, "spend", "monthly", lease, 150, 40);
    expect(gateway.state("monthly")).toMatchObject({ left: 160, remaining: 960 });
    await gateway.exchange(by("a"));
    expect(store.state.accounts.monthly).toMatchObject({ spent: 40 });
    expect(gateway.state("monthly")).toMatchObject({ left: 960, remaining: 960 });
  });

  it("gives back what it has and does not need, once it is asked to", async () => {
    const { store, by } = controller([monthly]);
    const [one, two] = [new BudgetProcess(module), new BudgetProcess(module)];
    one.take(0, "monthly", 1000);
    await one.exchange(by("a"));
    expect(one.state("monthly").left).toBe(1000);
    for (let round = 0; round < 3; round++) {
      expect(two.take(0, "monthly", 500).lease).toBe(0);
      await two.exchange(by("b"));
      await one.exchange(by("a"));
    }
    expect(two.state("monthly").left).toBeGreaterThan(900);
    const inHand = Object.values(store.state.accounts.monthly?.leases ?? {});
    expect(inHand.reduce((sum, each) => sum + each.granted - each.returned, 0)).toBeLessThanOrEqual(1000);
  });

  it("keeps its spend while replies are lost, and says it once", async () => {
    const { store, by } = controller([monthly]);
    const gateway = new BudgetProcess(module);
    gateway.take(0, "monthly", 200);
    await gateway.exchange(by("a"));
    for (let round = 1; round <= 4; round++) {
      const { lease } = gateway.take(round % 2, "monthly", 50);
      gateway.run(0, "spend", "monthly", lease, 50, 50);
      // The controller takes the report, and its answer is lost; or it does not get it.
      await gateway.exchange(async (report) => {
        if (round % 2 === 0) await by("a")(report);
        return undefined;
      });
    }
    await gateway.exchange(by("a"));
    expect(store.state.accounts.monthly).toMatchObject({ spent: 200 });
  });

  it("charges more than was reserved, remembers the debt, and what hangs up is given back", async () => {
    const { store, by } = controller([monthly]);
    const gateway = new BudgetProcess(module);
    gateway.take(0, "monthly", 50);
    await gateway.exchange(by("a"));
    const { lease } = gateway.take(0, "monthly", 100);
    gateway.run(0, "spend", "monthly", lease, 100, 1100);
    expect(gateway.state("monthly")).toMatchObject({ left: 0, remaining: -100 });
    await gateway.exchange(by("a"));
    expect(store.state.accounts.monthly).toMatchObject({ spent: 1100 });
    expect(gateway.take(0, "monthly", 1)).toEqual({ lease: 0, refusal: REFUSAL.spent });
    expect(gateway.state("monthly")).toMatchObject({ warned: 100 });
  });

  it("spends no lease beyond its period, and settles the old one with the period that it was of", async () => {
    const gateway = new BudgetProcess(module);
    const answers = { limit: 1000, remaining: 1000, warned: 0, acknowledged: [], closed: [] };
    const reply = (lease: number, endsInMs: number, rest: object = {}) => ({
      accounts: { monthly: { ...answers, ...{ lease, granted: 500, keep: 500, endsInMs }, ...rest } },
    });
    await gateway.exchange(() => reply(1, 1500));
    const { lease } = gateway.take(0, "monthly", 100);
    expect(lease).toBe(1);
    gateway.process.now += 2n * SECOND;
    expect(gateway.take(0, "monthly", 100)).toEqual({ lease: 0, refusal: REFUSAL.unknown });
    let said: unknown;
    await gateway.exchange(() => reply(2, 60_000));
    gateway.run(0, "spend", "monthly", 1, 100, 70);
    const next = gateway.take(1, "monthly", 10);
    await gateway.exchange((report) => {
      said = report;
      return reply(2, 60_000, { closed: [1] });
    });
    expect(said).toMatchObject({
      accounts: {
        monthly: {
          leases: [
            { id: 1, spent: 70, final: true },
            { id: 2, spent: 0, returned: 0 },
          ],
        },
      },
    });
    await gateway.exchange((report) => {
      said = report;
      return undefined;
    });
    expect(said).toMatchObject({ accounts: { monthly: { leases: [{ id: next.lease, spent: 0 }] } } });
  });

  it("goes on spending where calls are lowered, and all of it is counted", async () => {
    const { store, by } = controller([{ ...monthly, tokens: 100, whenSpent: "lower" }]);
    const gateway = new BudgetProcess(module);
    gateway.take(0, "monthly", 50);
    await gateway.exchange(by("a"));
    const { lease } = gateway.take(0, "monthly", 100);
    gateway.run(0, "spend", "monthly", lease, 100, 100);
    await gateway.exchange(by("a"));
    expect(gateway.take(0, "monthly", 30).refusal).toBe(REFUSAL.spent);
    gateway.run(0, "spend", "monthly", 0, 0, 30);
    await gateway.exchange(by("a"));
    expect(store.state.accounts.monthly).toMatchObject({ spent: 130 });
    // Another process, which never had a lease of this period.
    const other = new BudgetProcess(module);
    other.run(0, "spend", "monthly", 0, 0, 20);
    for (let round = 0; round < 3; round++) await other.exchange(by("b"));
    expect(store.state.accounts.monthly).toMatchObject({ spent: 150 });
  });

  it("tells accounts of credentials apart, and forgets those that nobody uses", async () => {
    const { store, by } = controller([{ ...monthly, name: "own", for: { each: "credential" } }]);
    const gateway = new BudgetProcess(module);
    for (const each of ["own/alice", "own/bob"]) gateway.take(0, each, 100);
    await gateway.exchange(by("a"));
    const { lease } = gateway.take(0, "own/alice", 100);
    gateway.run(0, "spend", "own/alice", lease, 100, 100);
    expect(gateway.state("own/bob")).toMatchObject({ remaining: 1000 });
    for (let round = 0; round < 4; round++) {
      gateway.process.now += 601n * SECOND;
      await gateway.exchange(by("a"));
    }
    const report = gateway.report()?.body.budgets as { accounts: object };
    expect(report.accounts).toEqual({});
    expect(store.state.accounts["own/alice"]).toMatchObject({ spent: 100, leases: {} });
    expect(gateway.take(0, "own/alice", 1).refusal).toBe(REFUSAL.unknown);
  });

  it("has another incarnation after each start, and one in all its VMs", async () => {
    const seen: string[] = [];
    for (let start = 0; start < 2; start++) {
      const gateway = new BudgetProcess(module, 3);
      for (let round = 0; round < 2; round++) {
        const body = gateway.report()?.body.budgets as { incarnation: string };
        seen.push(body.incarnation);
        for (const vm of gateway.vms) while (vm.callouts.length > 0) vm.answerCallout(0);
      }
    }
    expect(seen[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(seen[1]).toBe(seen[0]);
    expect(seen[3]).toBe(seen[2]);
    expect(seen[2]).not.toBe(seen[0]);
  });
});

describe("of other versions", () => {
  it("a controller that knows no budgets gives limits, and no lease", async () => {
    const gateway = new BudgetProcess(module);
    gateway.take(0, "monthly", 1);
    await gateway.exchange(() => null);
    expect(gateway.take(0, "monthly", 1).refusal).toBe(REFUSAL.unknown);
  });

  it("a filter without the setting reports none", () => {
    const { controller } = { controller: { gateway: "search/ingress", cluster: "controller", pod: "gw-1" } };
    const gateway = new BudgetProcess(module, 1, { rateLimit: { controller } });
    expect(gateway.report()?.body).not.toHaveProperty("budgets");
  });

  it.each([
    '{"accounts":{"monthly":{"lease":1,"granted":1.5}}}',
    '{"accounts":{"monthly":{"lease":-1}}}',
    '{"accounts":{"monthly":{"closed":[1,2,3,4,5,6,7,8,9]}}}',
    '{"accounts":{"":{"lease":1}}}',
    '{"accounts":[]}',
    '{"prices":{"version":"","currency":"EUR","tasks":{}}}',
    '{"prices":{"version":"1","currency":"EURO","tasks":{}}}',
    '{"prices":{"version":"1","currency":"EUR","tasks":{"1":[1,2,3]}}}',
    '{"prices":{"version":"1","currency":"EUR","tasks":{"1":[1,2,3,-4]}}}',
  ])("a reply that can't be right is ignored: %s", async (text) => {
    const gateway = new BudgetProcess(module);
    const good = {
      lease: 1,
      granted: 9,
      keep: 9,
      endsInMs: 60_000,
      limit: 9,
      remaining: 9,
      warned: 0,
      closed: [],
    };
    await gateway.exchange(() => ({ accounts: { monthly: good } }));
    await gateway.exchange(() => JSON.parse(text));
    expect(gateway.state("monthly")).toMatchObject({ left: 9, limit: 9 });
    expect(gateway.process.counters.get("modelgate.controller_replies_ignored")).toBe(1);
  });
});

describe("prices", () => {
  it("come once, and again when they change; a call costs whole micro-units, rounded up", async () => {
    const { served, by } = controller([{ name: "spend", per: "day", money: "10 EUR" }]);
    const tasks = { "666": [150_000, 30_000, 600_000, 900_000], "*": [1, 1, 1, 1] } as never;
    served.setPrices({ version: "one", currency: "EUR", tasks });
    const gateway = new BudgetProcess(module);
    expect(gateway.run(0, "cost", "666", 1, 0, 0, 0)).toBe(-1);
    await gateway.exchange(by("a"));
    expect(gateway.state("spend")).toMatchObject({ limit: 10_000_000 });
    for (const vm of [0, 1]) {
      expect(gateway.run(vm, "cost", "666", 1000, 100, 200, 50)).toBe(150 + 3 + 120 + 45);
      expect(gateway.run(vm, "cost", "666", 1, 0, 0, 0)).toBe(1);
      expect(gateway.run(vm, "cost", "other", 2_000_000, 0, 0, 0)).toBe(2);
    }
    let version: unknown;
    await gateway.exchange((report: { prices: string }) => {
      version = report.prices;
      return by("a")(report as never);
    });
    expect(version).toBe("one");
    served.setPrices({ version: "two", currency: "EUR", tasks: { "666": [1_000_000, 0, 0, 0] } });
    await gateway.exchange(by("a"));
    expect(gateway.run(1, "cost", "666", 7, 0, 0, 0)).toBe(7);
    expect(gateway.run(1, "cost", "other", 7, 0, 0, 0)).toBe(-1);
  });
});
