import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readPrices } from "../../../tools/api/prices.ts";
import { tenant } from "../../../tools/api/tenant.ts";
import { budgetsCommand } from "../../../tools/cli/commands/budgets.ts";
import { Books } from "../../../tools/servers/budgets/books.ts";
import { FileBudgetStore } from "../../../tools/servers/budgets/file-store.ts";
import { runHere } from "../../support/modelgate.ts";

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gateway, namespace: search, hosts: [a.example] }
  budgets:
    - { name: monthly, per: month, tokens: 1000 }
    - { name: spend, per: month, timeZone: Europe/Berlin, money: 10 EUR }
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-budgets-"));
  await writeFile(join(folder, "tenant.yaml"), TENANT);
});

afterEach(() => rm(folder, { recursive: true }));

const budgets = (...args: string[]) =>
  runHere(budgetsCommand(), [
    ...args,
    "-f",
    join(folder, "tenant.yaml"),
    "--budget-store",
    join(folder, "store"),
  ]);

it("lists budgets, of which some may never have been spent from", async () => {
  expect(await budgets("list", "-o", "name")).toMatchObject({
    stdout: "search monthly\nsearch spend\n",
    code: 0,
  });
  const { stdout } = await budgets("list", "-o", "json");
  expect(JSON.parse(stdout).budgets).toMatchObject([
    { budget: "monthly", unit: "tokens", limit: 1000, spent: 0, usedPercent: 0 },
    { budget: "spend", unit: "EUR", limit: "10.00", remaining: "10.00" },
  ]);
  expect((await budgets("list")).stdout).toMatch(/^tenant +budget +unit .*\nsearch +monthly +tokens +1000 /i);
});

it("tops up and resets, with a history that says why", async () => {
  expect((await budgets("top-up", "search", "monthly", "500", "--reason", "launch")).stdout).toMatch(
    /^budget monthly of Tenant search is 1500 tokens until .*, with 1500 left\n$/,
  );
  await budgets("top-up", "search", "spend", "2.5 EUR");
  await budgets("reset", "search", "monthly", "--reason", "wrong price");
  const { stdout } = await budgets("show", "search", "monthly", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({
    limit: 1000,
    history: [
      { kind: "topUp", amount: 500, reason: "launch" },
      { kind: "reset", spent: 0, reason: "wrong price" },
    ],
  });
  expect((await budgets("show", "search", "spend")).stdout).toMatch(/limit +12\.50[\s\S]*top-up +2\.50/);
});

it("changes nothing in a dry run", async () => {
  const { stdout } = await budgets("top-up", "search", "monthly", "500", "--dry-run");
  expect(stdout).toMatch(/would be 1500 tokens/);
  expect(await new FileBudgetStore(join(folder, "store")).load("search")).toBeUndefined();
});

it("what the controller stored meanwhile stays", async () => {
  const { spec } = tenant.parse({
    ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "Tenant", metadata: { name: "search" } },
    spec: {
      ...{ namespaces: ["search"], gateway: { name: "gateway", namespace: "search", hosts: ["a.example"] } },
      budgets: [{ name: "monthly", per: "month", tokens: 1000 }],
    },
  });
  const store = new FileBudgetStore(join(folder, "store"));
  const books = new Books({ tenant: "search", store }, spec.budgets);
  const report = (spent: number, id?: number) =>
    books.do((ledger) =>
      ledger.report(
        "monthly",
        "g",
        { wanted: 100, leases: id === undefined ? [] : [{ id, spent, returned: 0, final: false }] },
        Date.now(),
      ),
    );
  const first = await report(0);
  await budgets("top-up", "search", "monthly", "500");
  expect(await report(70, first?.lease)).toMatchObject({ limit: 1500, remaining: 1430 });
});

it.each([
  [["show", "search", "weekly"], 'there is no budget "weekly" (the Tenant has monthly, spend)'],
  [["show", "ads", "monthly"], 'there is no Tenant "ads" (known: search)'],
  [["top-up", "search", "monthly", "5 EUR"], '"5 EUR" is no number of tokens'],
  [["top-up", "search", "spend", "5 USD"], "the budget is in EUR, not in USD"],
  [["top-up", "search", "spend", "5"], '"5" is no amount'],
])("%j is refused", async (args, message) => {
  const { code, stderr } = await budgets(...args);
  expect([code, stderr.trim()]).toEqual([1, expect.stringContaining(message)]);
});

it("a price table is read without floats, and says what is wrong with it and where", async () => {
  const file = join(folder, "prices.yaml");
  const head = "apiVersion: modelgate.dev/v1alpha1\nkind: Prices\n";
  await writeFile(
    file,
    `${head}currency: EUR\ntasks:\n  - { task: "666", input: 0.15, cached: "0.03", output: 0.6 }\n  - { task: "*", input: 2, output: 8.000001 }\n`,
  );
  expect(await readPrices(file)).toEqual({
    version: expect.stringMatching(/^[0-9a-f]{16}$/),
    currency: "EUR",
    tasks: { "666": [150_000, 30_000, 600_000, 600_000], "*": [2_000_000, 2_000_000, 8_000_001, 8_000_001] },
  });
  await writeFile(
    file,
    `${head}currency: euro\ntasks:\n  - { task: a, input: 0.1234567, output: 1 }\n  - { task: a, input: -1 }\n`,
  );
  await expect(readPrices(file)).rejects.toThrow(
    [
      "4 faults in the resources:",
      `  ${file}:3: Prices: currency: must be a currency of ISO 4217, such as EUR`,
      `  ${file}:5: Prices: tasks[0].input: must be a price such as 0.15, with at most six digits behind the point`,
      `  ${file}:6: Prices: tasks[1].input: must be a price such as 0.15, with at most six digits behind the point`,
      `  ${file}:6: Prices: tasks[1].output: must be a price such as 0.15`,
    ].join("\n"),
  );
});
