import { Command } from "commander";
import { stringify } from "yaml";
import { explainPlacement, kubeletConfiguration } from "../../serving/workload/placement.ts";
import { fileOption, namespaceOption, recursiveOption } from "../options/resource-files.ts";
import { readTask, type TaskOptions } from "../options/task.ts";

export function explainCommand(): Command {
  return new Command("explain").description("say why Modelgate does what it does").addCommand(
    new Command("placement")
      .description("say how a task's replicas are bound to cores and NUMA nodes, and what nodes need for it")
      .argument("[task]", "the ModelTask, by name or task id (default: the only one there)")
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
