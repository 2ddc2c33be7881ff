import { type Budget, moneyText, parseMoney } from "../../api/budget.ts";
import type { Tenant } from "../../api/tenant.ts";
import { type Account, isOpen, outstanding, remaining, usedPercent } from "../../servers/budgets/state.ts";

/** An account as commands show it: amounts in tokens, or in units of a currency as text. */
export function shownAccount(tenant: Tenant, name: string, account: Account) {
  const budget = budgetOf(tenant, name);
  const amount = (value: number) => shownAmount(budget, value);
  const inHand = Object.values(account.leases).filter(isOpen).map(outstanding);
  return {
    tenant: tenant.metadata.name,
    budget: name,
    unit: budget?.money === undefined ? "tokens" : parseMoney(budget.money).currency,
    start: new Date(account.start).toISOString(),
    end: new Date(account.end).toISOString(),
    limit: amount(account.amount + account.added),
    added: amount(account.added),
    spent: amount(account.spent),
    unknown: amount(account.unknown),
    leased: amount(inHand.reduce((sum, each) => sum + each, 0)),
    remaining: amount(remaining(account)),
    usedPercent: usedPercent(account),
    history: account.history.map((entry) => shownEntry(entry, amount)),
  };
}

export type ShownAccount = ReturnType<typeof shownAccount>;

function shownEntry(entry: Account["history"][number], amount: (value: number) => number | string) {
  switch (entry.kind) {
    case "period": {
      const { kind, start, end, spent, unknown } = entry;
      return {
        ...{ kind, start: new Date(start).toISOString(), end: new Date(end).toISOString() },
        ...{ limit: amount(entry.amount + entry.added), spent: amount(spent), unknown: amount(unknown) },
      };
    }
    case "topUp": {
      const { kind, at, reason } = entry;
      return { kind, at: new Date(at).toISOString(), amount: amount(entry.amount), reason };
    }
    case "reset": {
      const { kind, at, spent, unknown, reason } = entry;
      return { kind, at: new Date(at).toISOString(), spent: amount(spent), unknown: amount(unknown), reason };
    }
  }
}

/** The budget that an account is of; undefined: it is gone from the Tenant. */
export function budgetOf({ spec }: Tenant, name: string): Budget | undefined {
  return spec.budgets.find((each) => each.name === name.split("/")[0]);
}

function shownAmount(budget: Budget | undefined, value: number): number | string {
  return budget?.money === undefined ? value : moneyText(value);
}
