import { Command } from "commander";
import { type ChangeOptions, changeAccount, withChangeOptions } from "../../options/budget-change.ts";

export function resetCommand(): Command {
  const command = new Command("reset")
    .description("Make a budget whole again: forget what was spent and added in its present period")
    .argument("<tenant>", "name of the Tenant")
    .argument("<budget>", "name of the budget, or budget/credential where each has its own");
  return withChangeOptions(command).action(reset);
}

async function reset(tenant: string, name: string, options: ChangeOptions): Promise<void> {
  const { limit, unit, end } = await changeAccount(tenant, name, options, (ledger, _, id) =>
    ledger.reset(name, id, options.reason, Date.now()),
  );
  const done = options.dryRun ? "would be" : "is";
  console.log(`budget ${name} of Tenant ${tenant} ${done} whole again: ${limit} ${unit} until ${end}`);
}
