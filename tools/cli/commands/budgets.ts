import { Command } from "commander";
import { listCommand } from "./budgets/list.ts";
import { resetCommand } from "./budgets/reset.ts";
import { showCommand } from "./budgets/show.ts";
import { topupCommand } from "./budgets/topup.ts";

export function budgetsCommand(): Command {
  return new Command("budgets")
    .description("List, show, top up and reset the budgets of Tenants")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(topupCommand())
    .addCommand(resetCommand());
}
