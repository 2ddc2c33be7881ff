import { Command } from "commander";
import { stringify } from "yaml";
import { explainPlacement, kubeletConfiguration } from "../../serving/workload/placement.ts";
import { fileOption, namespaceOption, recursiveOption } from "../options/resource-files.ts";
import { readTask, type TaskOptions } from "../options/task.ts";

export function explainCommand(): Command {
  return new Command("explain").description("Explain a decision of Modelgate").addCommand(
    new Command("placement")
      .description("Explain how replicas are bound to CPU cores and NUMA nodes, and what nodes need for it")
      .argument("[task]", "name or task id of the ModelTask (default: the only one)")
      .addOption(fileOption())
      .addOption(recursiveOption())
      .addOption(namespaceOption())
      .action(async (task: string | undefined, options: TaskOptions) => {
        const found = await readTask(task === undefined ? options : { ...options, task });
        for (const sentence of explainPlacement(found)) console.log(sentence);
        const { placement } = found.spec;
        if (placement) process.stdout.write(`\n${stringify(kubeletConfiguration(placement))}`);
      }),
  );
}
