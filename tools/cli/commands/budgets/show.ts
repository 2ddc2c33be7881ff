import { Command } from "commander";
import { table } from "../../../lib/terminal/table.ts";
import {
  type BudgetOptions,
  booksOf,
  openBudgets,
  tenantOf,
  withBudgetOptions,
} from "../../options/budget-store.ts";
import { type ShownAccount, shownAccount } from "../../output/budget-text.ts";
import { type Structured, structured, structuredOption } from "../../output/structured.ts";

interface ShowOptions extends BudgetOptions {
  output?: Structured;
}

export function showCommand(): Command {
  const command = new Command("show")
    .description("Show a budget with its history: past periods, what was added, resets")
    .argument("<tenant>", "name of the Tenant")
    .argument("<budget>", "name of the budget, or budget/credential where each has its own")
    .addOption(structuredOption());
  return withBudgetOptions(command).action(show);
}

async function show(tenantName: string, name: string, options: ShowOptions): Promise<void> {
  const open = await openBudgets(options);
  try {
    const tenant = tenantOf(open, tenantName);
    const account = await booksOf(open, tenant).peek((ledger) => ledger.open(name, Date.now()));
    const shown = shownAccount(tenant, name, account);
    process.stdout.write(options.output ? structured(shown, options.output) : asText(shown));
  } finally {
    await open.store.close();
  }
}

function asText({ history, ...present }: ShownAccount): string {
  const fields = Object.entries(present).map(([name, value]) => [name, String(value)]);
  const entries = history.map((entry) =>
    entry.kind === "period"
      ? [
          entry.end,
          "period",
          String(entry.spent),
          String(entry.unknown),
          `of ${entry.limit} from ${entry.start}`,
        ]
      : entry.kind === "topUp"
        ? [entry.at, "top-up", String(entry.amount), "", entry.reason]
        : [entry.at, "reset", String(entry.spent), String(entry.unknown), entry.reason],
  );
  const past = entries.length === 0 ? "" : `\n${table(["at", "what", "amount", "unknown", "note"], entries)}`;
  return `${table(["field", "value"], fields)}${past}`;
}
