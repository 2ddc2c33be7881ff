import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Books } from "../../../tools/servers/budgets/books.ts";
import { FileBudgetStore } from "../../../tools/servers/budgets/file-store.ts";
import { KubernetesBudgetStore } from "../../../tools/servers/budgets/kubernetes-store.ts";
import { EMPTY } from "../../../tools/servers/budgets/state.ts";
import type { BudgetStore } from "../../../tools/servers/budgets/store.ts";
import { storeContract } from "../../support/budget-store-contract.ts";
import { ACCOUNT, BUDGETS } from "../../support/budget-world.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const NOW = Date.parse("2026-11-30T12:00Z");

describe("in a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-budgets-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  storeContract(() => new FileBudgetStore(join(folder, "new")));

  it("leaves one file of each tenant, whatever was under way", async () => {
    const store = new FileBudgetStore(folder);
    await writeFile(join(folder, "search@1.17.new"), "half");
    let revision: string | undefined;
    for (const nextLease of [1, 2, 3])
      revision = await store.commit("search", { ...EMPTY, nextLease }, revision);
    expect((await readdir(folder)).toSorted()).toEqual(["search@1.17.new", "search@3.json"]);
    expect((await store.load("search"))?.state.nextLease).toBe(3);
  });

  it("says which file is damaged, and where", async () => {
    await writeFile(join(folder, "search@4.json"), "{");
    const store = new FileBudgetStore(folder);
    await expect(store.load("search")).rejects.toThrow(/search@4\.json: the budgets there are not JSON/);
    await writeFile(join(folder, "search@5.json"), '{"version":1,"nextLease":0,"accounts":{}}');
    await expect(store.load("search")).rejects.toThrow(/search@5\.json: nextLease: must be at least 1/);
  });
});

describe("in the Kubernetes API", () => {
  const server = new FakeApiServer();
  beforeEach(async () => {
    server.objects.clear();
    await server.start();
  });
  afterEach(() => server.stop());

  storeContract(() => new KubernetesBudgetStore(server.client, "modelgate-system"));

  it("is a ConfigMap that names its tenant, which may be removed under way", async () => {
    const store = new KubernetesBudgetStore(server.client, "modelgate-system");
    const revision = await store.commit("search", EMPTY, undefined);
    const map = server.find("ConfigMap", "modelgate-budgets-search");
    expect(map?.metadata.labels).toMatchObject({ "modelgate.dev/tenant": "search" });
    expect(map?.metadata.namespace).toBe("modelgate-system");
    server.objects.clear();
    await expect(store.commit("search", EMPTY, revision)).rejects.toThrow(/changed by somebody else/);
  });

  it("holds no more than a ConfigMap does, and says what does", async () => {
    const store = new KubernetesBudgetStore(server.client, "modelgate-system");
    const account = { start: 0, end: 1, amount: 1, added: 0, spent: 0, unknown: 0, warned: 0, leases: {} };
    const accounts = Object.fromEntries(
      Array.from({ length: 9000 }, (_, index) => [`daily/c${index}`, { ...account, history: [] }]),
    );
    await expect(store.commit("search", { ...EMPTY, accounts }, undefined)).rejects.toThrow(
      /more than a ConfigMap holds: use --budget-store with PostgreSQL/,
    );
  });
});

describe("a store that fails", () => {
  const said = { wanted: 100, leases: [] };

  /** Fails before or after it has stored. */
  class Flaky implements BudgetStore {
    readonly name = "flaky";
    stored: string | undefined;
    revision = 0;
    faults: ("before" | "after" | "read")[] = [];
    async load() {
      if (this.faults[0] === "read") throw new Error(`fault ${this.faults.shift()}`);
      return this.stored === undefined
        ? undefined
        : { state: JSON.parse(this.stored), revision: String(this.revision) };
    }
    async commit(_: string, state: object, revision: string | undefined) {
      const fault = this.faults.shift();
      if (fault === "before") throw new Error("fault before");
      expect(revision).toBe(this.stored === undefined ? undefined : String(this.revision));
      this.stored = JSON.stringify(state);
      this.revision++;
      if (fault === "after") throw new Error("fault after");
      return String(this.revision);
    }
    async close() {}
  }

  it.each(["before", "after", "read"] as const)(
    "tells nobody of what it may not have stored: %s",
    async (fault) => {
      const store = new Flaky();
      const books = new Books({ tenant: "search", store }, BUDGETS);
      store.faults = [fault];
      const report = () => books.do((ledger) => ledger.report(ACCOUNT, "g", said, NOW));
      await expect(report()).rejects.toThrow(`fault ${fault}`);
      // Stored or not, the gateway gets the same lease of the same amount again: it is not given twice.
      const first = await report();
      const second = await report();
      expect(second).toEqual(first);
      expect(Object.keys(JSON.parse(store.stored ?? "").accounts[ACCOUNT].leases)).toEqual([
        `${first?.lease}`,
      ]);
    },
  );

  it("stores what comes meanwhile together", async () => {
    const store = new Flaky();
    const books = new Books({ tenant: "search", store }, BUDGETS);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        books.do((ledger) => ledger.report(ACCOUNT, `g${index}`, said, NOW)),
      ),
    );
    expect(store.revision).toBe(2);
  });

  it("takes nothing of what is refused", async () => {
    const store = new Flaky();
    const books = new Books({ tenant: "search", store }, BUDGETS);
    await expect(books.do((ledger) => ledger.topUp("monthly", 1, "i", "", NOW))).rejects.toThrow(
      'there is no budget "monthly" (the Tenant has daily)',
    );
    expect(store.stored).toBeUndefined();
  });
});
