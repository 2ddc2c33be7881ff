import { Command, Option } from "commander";
import { table } from "../../../lib/terminal/table.ts";
import {
  type BudgetOptions,
  booksOf,
  openBudgets,
  tenantOf,
  withBudgetOptions,
} from "../../options/budget-store.ts";
import { type ShownAccount, shownAccount } from "../../output/budget-text.ts";
import { type Structured, structured } from "../../output/structured.ts";

interface ListOptions extends BudgetOptions {
  output?: Structured | "name";
}

export function listCommand(): Command {
  const command = new Command("list")
    .description("List budgets, and what is spent of them in their present period")
    .argument("[tenant...]", "only these tenants (default: all)")
    .addOption(new Option("-o, --output <format>", "output format").choices(["yaml", "json", "name"]));
  return withBudgetOptions(command).action(list);
}

async function list(names: string[], options: ListOptions): Promise<void> {
  const open = await openBudgets(options);
  try {
    const tenants = names.length === 0 ? open.tenants : names.map((name) => tenantOf(open, name));
    const accounts: ShownAccount[] = [];
    for (const tenant of tenants) {
      if (tenant.spec.budgets.length === 0) continue;
      const state = await booksOf(open, tenant).peek((ledger) => {
        ledger.tick(Date.now());
        for (const name of ledger.standing()) ledger.open(name, Date.now());
        return ledger.state;
      });
      for (const [name, account] of Object.entries(state.accounts))
        accounts.push(shownAccount(tenant, name, account));
    }
    process.stdout.write(shown(accounts, options.output));
    if (accounts.length === 0) console.error("there are no budgets");
  } finally {
    await open.store.close();
  }
}

function shown(accounts: ShownAccount[], format: ListOptions["output"]): string {
  if (format === "name") return accounts.map(({ tenant, budget }) => `${tenant} ${budget}\n`).join("");
  if (format) return structured({ budgets: accounts.map(({ history: _, ...rest }) => rest) }, format);
  return table(
    ["tenant", "budget", "unit", "limit", "spent", "unknown", "leased", "used", "ends"],
    accounts.map(({ tenant, budget, unit, limit, spent, unknown, leased, usedPercent, end }) => [
      ...[tenant, budget, unit, String(limit), String(spent), String(unknown), String(leased)],
      ...[`${usedPercent} %`, end],
    ]),
  );
}
