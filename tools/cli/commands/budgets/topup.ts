import { Command } from "commander";
import { parseMoney } from "../../../api/budget.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { type ChangeOptions, changeAccount, withChangeOptions } from "../../options/budget-change.ts";
import { budgetOf } from "../../output/budget-text.ts";

export function topupCommand(): Command {
  const command = new Command("top-up")
    .description("Add to a budget for the rest of its period")
    .argument("<tenant>", "name of the Tenant")
    .argument("<budget>", "name of the budget, or budget/credential where each has its own")
    .argument("<amount>", 'tokens, or an amount such as "50 EUR"; below 0 takes away (put -- before it)');
  return withChangeOptions(command).action(topUp);
}

async function topUp(tenant: string, name: string, amount: string, options: ChangeOptions): Promise<void> {
  const account = await changeAccount(tenant, name, options, (ledger, of, id) =>
    ledger.topUp(name, amountOf(of, name, amount), id, options.reason, Date.now()),
  );
  const { limit, unit, remaining, end } = account;
  const done = options.dryRun ? "would be" : "is";
  console.log(
    `budget ${name} of Tenant ${tenant} ${done} ${limit} ${unit} until ${end}, with ${remaining} left`,
  );
}

/** @throws Error for an amount of another unit than the budget's */
function amountOf(tenant: Tenant, name: string, text: string): number {
  const budget = budgetOf(tenant, name);
  if (budget?.money === undefined) {
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    throw new Error(`${JSON.stringify(text)} is no number of tokens`);
  }
  const { currency } = parseMoney(budget.money);
  const sign = text.startsWith("-") ? -1 : 1;
  const given = parseMoney(text.replace(/^-/, ""));
  if (given.currency === currency) return sign * given.micros;
  throw new Error(`the budget is in ${currency}, not in ${given.currency}`);
}
