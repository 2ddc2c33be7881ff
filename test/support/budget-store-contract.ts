import { expect, it } from "vitest";
import { Books } from "../../tools/servers/budgets/books.ts";
import { EMPTY } from "../../tools/servers/budgets/state.ts";
import { BudgetConflict, type BudgetStore } from "../../tools/servers/budgets/store.ts";
import { ACCOUNT, BUDGETS } from "./budget-world.ts";

const NOW = Date.parse("2026-11-30T12:00Z");
const said = (wanted: number, id?: number, spent = 0) => ({
  wanted,
  leases: id === undefined ? [] : [{ id, spent, returned: 0, final: false }],
});

/** What each store of budgets does. @param open opens the same store again */
export function storeContract(open: () => BudgetStore): void {
  it("keeps a state, by tenant, for who opens it next", async () => {
    const store = open();
    expect(await store.load("search")).toBeUndefined();
    const revision = await store.commit("search", EMPTY, undefined);
    const other = { ...EMPTY, nextLease: 7 };
    await store.commit("ads.eu", other, undefined);
    await store.close();
    const again = open();
    expect(await again.load("search")).toEqual({ state: EMPTY, revision });
    expect((await again.load("ads.eu"))?.state).toEqual(other);
    await again.close();
  });

  it("stores in place of the revision that a state was made from only", async () => {
    const [one, two] = [open(), open()];
    const first = await one.commit("search", EMPTY, undefined);
    await expect(two.commit("search", EMPTY, undefined)).rejects.toThrow(BudgetConflict);
    const second = await two.commit("search", { ...EMPTY, nextLease: 2 }, first);
    await expect(one.commit("search", { ...EMPTY, nextLease: 3 }, first)).rejects.toThrow(BudgetConflict);
    expect(await one.load("search")).toEqual({ state: { ...EMPTY, nextLease: 2 }, revision: second });
    await one.commit("search", { ...EMPTY, nextLease: 4 }, second);
    await Promise.all([one.close(), two.close()]);
  });

  it("serves two who write at once, each on what the other stored", async () => {
    const stores = [open(), open()];
    const books = stores.map((store) => new Books({ tenant: "search", store }, BUDGETS));
    const leases = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        books[index % 2]?.do((ledger) => ledger.report(ACCOUNT, `g${index}`, said(100), NOW)),
      ),
    );
    const ids = new Set(leases.map((each) => each?.lease));
    expect(ids.size).toBe(6);
    await books[0]?.do((ledger) => ledger.report(ACCOUNT, "g0", said(100, leases[0]?.lease, 60), NOW));
    await books[1]?.do((ledger) => ledger.topUp(ACCOUNT, 500, "once", "", NOW));
    await books[0]?.do((ledger) => ledger.topUp(ACCOUNT, 500, "once", "", NOW));
    const [store] = stores;
    const account = (await store?.load("search"))?.state.accounts[ACCOUNT];
    expect(account).toMatchObject({ spent: 60, added: 500 });
    expect(Object.keys(account?.leases ?? {}).length).toBe(6);
    await Promise.all(stores.map((each) => each.close()));
  });
}
