import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Books } from "../../tools/servers/budgets/books.ts";
import { FileBudgetStore } from "../../tools/servers/budgets/file-store.ts";
import { PostgresBudgetStore } from "../../tools/servers/budgets/postgres-store.ts";
import { EMPTY } from "../../tools/servers/budgets/state.ts";
import type { Reply } from "../../tools/servers/controller/protocol.ts";
import { storeContract } from "../support/budget-store-contract.ts";
import { ACCOUNT, BUDGETS } from "../support/budget-world.ts";
import { pace } from "../support/pace.ts";
import { Postgres, postgresPrograms } from "./postgres.ts";

const programs = postgresPrograms();
const NOW = Date.parse("2026-11-30T12:00Z");
const MODELGATE = fileURLToPath(new URL("../../tools/cli/modelgate.ts", import.meta.url));

describe.skipIf(programs === undefined)("PostgreSQL (Debian postgresql)", () => {
  const postgres = new Postgres(programs ?? "");
  beforeAll(() => postgres.create());
  afterAll(() => postgres.remove());
  beforeEach(() => {
    postgres.sql("drop table if exists modelgate_budget_accounts, modelgate_budgets");
  });

  storeContract(() => new PostgresBudgetStore(postgres.url));

  it("writes the accounts that changed, and no other", async () => {
    const store = new PostgresBudgetStore(postgres.url);
    const account = {
      start: 0,
      end: 1,
      amount: 1,
      added: 0,
      spent: 0,
      unknown: 0,
      warned: 0,
      leases: {},
      history: [],
    };
    const accounts = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`daily/c${i}`, account]));
    const first = await store.commit("search", { ...EMPTY, accounts }, undefined);
    const changed = { ...accounts, "daily/c7": { ...account, spent: 1 } };
    const written = () =>
      postgres.sql("select count(distinct xmin::text) from modelgate_budget_accounts").trim();
    expect(written()).toBe("1");
    const second = await store.commit("search", { ...EMPTY, accounts: changed }, first);
    expect(
      postgres.sql("select account from modelgate_budget_accounts order by xmin::text::bigint desc limit 1"),
    ).toBe("daily/c7\n");
    const fewer = Object.fromEntries(Object.entries(changed).filter(([name]) => name !== "daily/c0"));
    await store.commit("search", { ...EMPTY, accounts: fewer }, second);
    expect((await new PostgresBudgetStore(postgres.url).load("search"))?.state.accounts).toEqual(fewer);
    await store.close();
  });

  it("makes its tables once, however many begin at a time", async () => {
    const stores = Array.from({ length: 6 }, () => new PostgresBudgetStore(postgres.url));
    expect(await Promise.all(stores.map((store) => store.load("search")))).toEqual(
      stores.map(() => undefined),
    );
    await Promise.all(stores.map((store) => store.close()));
  });

  it("kill -9 of the server: what was acknowledged is there, and nothing twice", async () => {
    const store = new PostgresBudgetStore(postgres.url);
    const books = new Books({ tenant: "search", store }, BUDGETS);
    const report = (spent: number, id?: number) =>
      books.do((ledger) =>
        ledger.report(
          ACCOUNT,
          "g",
          { wanted: 9000, leases: id === undefined ? [] : [{ id, spent, returned: 0, final: false }] },
          NOW,
        ),
      );
    const lease = (await report(0))?.lease;
    let acknowledged = 0;
    let said = 0;
    let failures = 0;
    for (let kill = 0; kill < 5; kill++) {
      const ended = pace(20 + 37 * kill).then(() => postgres.kill());
      let isDown = false;
      while (!isDown) {
        said++;
        await report(said, lease).then(
          (reply) => {
            acknowledged = reply?.acknowledged[0]?.spent ?? 0;
          },
          () => {
            failures++;
            isDown = true;
          },
        );
      }
      await ended;
      await postgres.start();
      const stored = (await new PostgresBudgetStore(postgres.url).load("search"))?.state.accounts[ACCOUNT]
        ?.spent;
      expect(stored).toBeGreaterThanOrEqual(acknowledged);
      expect(stored).toBeLessThanOrEqual(said);
    }
    expect(failures).toBeGreaterThanOrEqual(5);
    expect((await report(said, lease))?.acknowledged).toEqual([{ id: lease, spent: said }]);
    console.log(`5 kills of PostgreSQL, ${said} reports, all acknowledged spend stored`);
    await store.close();
  });

  it("kill -9 of a controller in the middle of reports, on PostgreSQL", async () => {
    await killControllers(postgres.url, async () => {
      const store = new PostgresBudgetStore(postgres.url);
      const stored = await store.load("search");
      await store.close();
      return stored?.state.accounts[ACCOUNT]?.spent ?? 0;
    });
  });
});

it("kill -9 of a controller in the middle of reports, on a folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-budgets-"));
  try {
    await killControllers(folder, async () => {
      const stored = await new FileBudgetStore(folder).load("search");
      return stored?.state.accounts[ACCOUNT]?.spent ?? 0;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gateway, namespace: search, hosts: [a.example] }
  budgets: [{ name: ${ACCOUNT}, per: day, tokens: 1000000 }]
`;
const KILLS = 6;

/** One gateway that spends a token before each report, while controllers are killed one after the other. */
async function killControllers(store: string, storedSpend: () => Promise<number>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-tenants-"));
  await writeFile(join(folder, "tenant.yaml"), TENANT);
  let lease = 0;
  let said = 0;
  let acknowledged = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { url, end } = await startController(folder, store);
    const killed = pace(400 + 53 * kill).then(end);
    for (let isDown = false; !isDown; await pace(51)) {
      if (lease !== 0) said++;
      const leases = lease === 0 ? [] : [{ id: lease, spent: said }];
      const reply = await report(url, { [ACCOUNT]: { wanted: 1000, leases } });
      if (reply === undefined) isDown = true;
      const account = reply?.budgets?.accounts[ACCOUNT];
      if (!account) continue;
      lease = account.lease;
      acknowledged = account.acknowledged[0]?.spent ?? acknowledged;
    }
    await killed;
    const stored = await storedSpend();
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
    expect(stored).toBeLessThanOrEqual(said);
  }
  expect(acknowledged).toBeGreaterThan(KILLS);
  console.log(
    `${KILLS} kills of the controller, ${said} tokens said, ${acknowledged} acknowledged, none lost`,
  );
  await rm(folder, { recursive: true });
}

async function startController(
  folder: string,
  store: string,
): Promise<{ url: string; end: () => Promise<void> }> {
  const address = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
  const args = [MODELGATE, "controller", "--config", folder, ...address, "--budget-store", store];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const [line] = await once(createInterface(child.stderr), "line");
  return {
    url: (JSON.parse(line as string) as { url: string }).url,
    async end() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** @returns undefined when nobody answers */
async function report(url: string, accounts: object): Promise<Reply | undefined> {
  try {
    const response = await fetch(`${url}/v1/report`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ apiVersion: "limits.modelgate.dev/v1", gateway: "search/gateway", pod: "a" },
        ...{ intervalMilliseconds: 1000, budgets: { incarnation: "a".repeat(16), accounts } },
      }),
    });
    return (await response.json()) as Reply;
  } catch {
    return undefined;
  }
}
