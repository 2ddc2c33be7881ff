import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Tenant, tenant } from "../../../tools/api/tenant.ts";
import { Budgets } from "../../../tools/servers/budgets/budgets.ts";
import { FileBudgetStore } from "../../../tools/servers/budgets/file-store.ts";
import type { BudgetsReply } from "../../../tools/servers/budgets/protocol.ts";
import type { BudgetStore } from "../../../tools/servers/budgets/store.ts";
import { type Controller, startController } from "../../../tools/servers/controller/controller.ts";
import type { Reply } from "../../../tools/servers/controller/protocol.ts";

const PRICES = {
  version: "v1",
  currency: "EUR",
  tasks: { "666": [150_000, 30_000, 600_000, 600_000] },
} as const;

const search = tenant.parse({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    gateway: { name: "gateway", namespace: "search", hosts: ["a.example"] },
    namespaces: ["search"],
    limits: { requestsPerSecond: 100 },
    budgets: [
      { name: "daily", per: "day", tokens: 1000 },
      { name: "own", per: "month", tokens: 500, for: { each: "credential" } },
      { name: "spend", per: "month", money: "10 EUR" },
      { name: "dollars", per: "month", money: "10 USD" },
    ],
  },
});

let folder: string;
const running: Controller[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-exchange-"));
});

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
  await rm(folder, { recursive: true });
});

/** A controller of one tenant. @param lines takes what it logs */
async function start(
  store: BudgetStore = new FileBudgetStore(folder),
  lines: object[] = [],
): Promise<Controller> {
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const budgets = new Budgets({ store, log });
  budgets.setPrices({ ...PRICES, tasks: { "666": [...PRICES.tasks["666"]] } });
  const tenants: Tenant[] = [search];
  const controller = await startController({
    source: {
      start: async (onChange) => onChange({ tenants, tasks: [], replicas: () => 1 }),
      stop: async () => {},
    },
    ...{ budgets, log, hold: 0 },
  });
  running.push(controller);
  return controller;
}

/** A gateway pod's report. @returns the reply about budgets, and the whole */
async function report(
  url: string,
  pod: string,
  budgets?: object,
): Promise<{ budgets: BudgetsReply; reply: Reply }> {
  const response = await fetch(`${url}/v1/report`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{
        apiVersion: "limits.modelgate.dev/v1",
        gateway: "search/gateway",
        pod,
        intervalMilliseconds: 1000,
      },
      ...(budgets && { budgets }),
    }),
  });
  const reply = (await response.json()) as Reply;
  expect([response.status, reply]).toEqual([200, reply]);
  return { reply, budgets: reply.budgets as BudgetsReply };
}

const incarnation = (digit: string) => digit.repeat(16);
const account = (wanted: number, id?: number, spent = 0) => ({
  wanted,
  leases: id === undefined ? [] : [{ id, spent }],
});

it("a gateway gets leases and prices with its limits, and is told what it need not ask for", async () => {
  const { url } = await start();
  const first = await report(url, "a", {
    incarnation: incarnation("a"),
    accounts: { "own/alice": account(100), "own/": account(1), dollars: account(1) },
  });
  expect(first.reply.tenants.search).toMatchObject({ requestsPerSecond: expect.any(Number) });
  expect(first.budgets.prices).toEqual(PRICES);
  expect(first.budgets.accounts).toMatchObject({
    daily: { granted: 62, limit: 1000, remaining: 1000, warned: 0 },
    "own/alice": { granted: 100, limit: 500 },
    "own/": null,
    // There are no prices in it.
    dollars: null,
    spend: { limit: 10_000_000 },
  });
  expect(first.budgets.accounts.daily?.endsInMs).toBeLessThanOrEqual(86_400_000);
});

it("a gateway of an older filter gets none, and its limits as ever", async () => {
  const { url } = await start();
  const { reply } = await report(url, "a");
  expect(reply.tenants.search).toBeDefined();
  expect("budgets" in reply).toBe(false);
});

it("spend that was acknowledged is there after the controller was lost, and a pod that restarts loses what it had", async () => {
  const before = await start();
  const first = await report(before.url, "a", {
    incarnation: incarnation("a"),
    accounts: { daily: account(400) },
  });
  const lease = first.budgets.accounts.daily?.lease as number;
  await expect
    .poll(() =>
      report(before.url, "a", {
        incarnation: incarnation("a"),
        accounts: { daily: account(400, lease, 300) },
      }),
    )
    .toMatchObject({ budgets: { accounts: { daily: { acknowledged: [{ id: lease, spent: 300 }] } } } });

  // Another one on the same store, as after kill -9 or an election; the first knows nothing of it.
  const after = await start();
  const again = await report(after.url, "b", {
    incarnation: incarnation("b"),
    accounts: { daily: account(5000) },
  });
  expect(again.budgets.accounts.daily).toMatchObject({ remaining: 700, granted: 300 });
  const restarted = await report(after.url, "a", {
    incarnation: incarnation("c"),
    accounts: { daily: account(0) },
  });
  expect(restarted.budgets.accounts.daily).toMatchObject({ remaining: 300, granted: 0 });

  // The first thinks that it leads: what it would store is not what is there, so it reads that first.
  const stale = await report(before.url, "d", {
    incarnation: incarnation("d"),
    accounts: { daily: account(10) },
  });
  expect(stale.budgets.accounts.daily).toMatchObject({ remaining: 300, granted: 0 });
});

it("a store that is down takes budgets away and nothing else, and is told of", async () => {
  const lines: { msg?: string }[] = [];
  const down: BudgetStore = {
    name: "nothing",
    load: async () => {
      throw new Error("down");
    },
    commit: async () => "",
    close: async () => {},
  };
  const { url } = await start(down, lines);
  const { reply } = await report(url, "a", { incarnation: incarnation("a"), accounts: {} });
  expect(reply.tenants.search).toBeDefined();
  expect("budgets" in reply).toBe(false);
  expect(lines.map(({ msg }) => msg)).toContain("budgets can't be stored");
});

it("a warning is logged, counted and seen in the metrics", async () => {
  const lines: { msg?: string }[] = [];
  const { url, adminUrl } = await start(undefined, lines);
  const first = await report(url, "a", { incarnation: incarnation("a"), accounts: { daily: account(1000) } });
  const lease = first.budgets.accounts.daily?.lease as number;
  const spent = { incarnation: incarnation("a"), accounts: { daily: account(0, lease, 850) } };
  await expect
    .poll(() => report(url, "a", spent))
    .toMatchObject({ budgets: { accounts: { daily: { warned: 80 } } } });
  expect(lines.filter(({ msg }) => msg === "a budget is spent to a percentage")).toEqual([
    expect.objectContaining({ tenant: "search", budget: "daily", percent: 80, spent: 850, limit: 1000 }),
  ]);
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  expect(metrics).toContain('modelgate_budget_spent{tenant="search",budget="daily"} 850');
  expect(metrics).toContain('modelgate_budget_used_percent{tenant="search",budget="daily"} 85');
  expect(metrics).toContain('modelgate_budget_warnings_total{tenant="search",budget="daily",percent="80"} 1');
});

it.each([
  ["incarnation", { incarnation: "x" }, "budgets.incarnation: must be 8 to 32 hexadecimal digits"],
  [
    "a sum below 0",
    { incarnation: incarnation("a"), accounts: { daily: { leases: [{ id: 1, spent: -1 }] } } },
    "budgets.accounts.daily.leases[0].spent: must be at least 0",
  ],
])("a report at fault is refused: %s", async (_, budgets, message) => {
  const { url } = await start();
  const response = await fetch(`${url}/v1/report`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ apiVersion: "limits.modelgate.dev/v1", gateway: "search/gateway", pod: "a" },
      ...{ intervalMilliseconds: 1000, budgets },
    }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ reason: "report_malformed", error: message });
});
