import { Command } from "commander";
import {
  allowEmptyOption,
  type FileOptions,
  fileOption,
  namespaceOption,
  readResources,
  recursiveOption,
} from "../options/resource-files.ts";

export function validateCommand(): Command {
  return new Command("validate")
    .description("Check files of Tenants and ModelTasks; needs no cluster")
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .addOption(allowEmptyOption())
    .action(async (options: FileOptions) => {
      const { tenants, tasks } = await readResources(options);
      console.log(`valid: ${count(tenants.length, "Tenant")}, ${count(tasks.length, "ModelTask")}`);
    });
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
