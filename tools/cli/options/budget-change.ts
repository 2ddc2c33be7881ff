import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { Tenant } from "../../api/tenant.ts";
import type { Ledger } from "../../servers/budgets/ledger.ts";
import { type ShownAccount, shownAccount } from "../output/budget-text.ts";
import { type BudgetOptions, booksOf, openBudgets, tenantOf, withBudgetOptions } from "./budget-store.ts";

export interface ChangeOptions extends BudgetOptions {
  reason: string;
  dryRun?: true;
}

/** Adds what commands have that change an account by hand. */
export function withChangeOptions(command: Command): Command {
  command
    .option("--reason <text>", "why, for the history", "")
    .option("--dry-run", "only show what it would be like");
  return withBudgetOptions(command);
}

/** What is done to an account. @param id of this command: done once, however often it is stored */
type Change = (ledger: Ledger, tenant: Tenant, id: string) => void;

/** Changes an account, unless it is a dry run. @returns what it is then */
export async function changeAccount(
  tenantName: string,
  name: string,
  options: ChangeOptions,
  change: Change,
): Promise<ShownAccount> {
  const open = await openBudgets(options);
  try {
    const tenant = tenantOf(open, tenantName);
    const books = booksOf(open, tenant);
    const id = randomUUID();
    const run = (ledger: Ledger) => {
      change(ledger, tenant, id);
      return shownAccount(tenant, name, ledger.open(name, Date.now()));
    };
    return await (options.dryRun ? books.peek(run) : books.do(run));
  } finally {
    await open.store.close();
  }
}
