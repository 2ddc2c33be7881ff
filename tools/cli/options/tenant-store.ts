import { type Command, Option } from "commander";
import { DRY_RUNS } from "../../cluster/credentials/tenant-store.ts";
import { connectOptions } from "../../lib/kubernetes/connect.ts";
import { fileOption, recursiveOption } from "./resource-files.ts";

/** Adds the options that say where the Tenant is kept. */
export function withStoreOptions(command: Command): Command {
  command
    .addOption(fileOption())
    .addOption(recursiveOption())
    .option("--tenant <name>", "name of the Tenant (default: the only one)");
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

export function dryRunOption(): Option {
  return new Option("--dry-run <how>", "only show what would change").choices(DRY_RUNS).default("none");
}
