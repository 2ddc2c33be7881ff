import { Command, Option } from "commander";
import { stringify } from "yaml";
import type { Seconds } from "../../lib/units.ts";
import { convertible, discover, type Signature } from "../../serving/model-client/signatures.ts";
import { seconds } from "../options/units.ts";

interface DiscoverOptions {
  taskid: string;
  model: string;
  timeout: Seconds;
  output: "modeltask" | "plugin-config";
}

export function taskCommand(): Command {
  return new Command("task").description("Work on tasks").addCommand(
    new Command("discover")
      .description(
        "Ask a TensorFlow Serving model server for its signatures, and print them for the ModelTask",
      )
      .argument("<address>", "host:port of the model server (gRPC without TLS)")
      .requiredOption("--model <name>", "name of the model")
      .requiredOption("--taskid <id>", "id of the task")
      .option("--timeout <seconds>", "longest time to wait", seconds, 10)
      .addOption(
        new Option(
          "-o, --output <form>",
          "print fields of a ModelTask, or of a file for modelgate dev --config",
        )
          .choices(["modeltask", "plugin-config"])
          .default("modeltask"),
      )
      .action(async (address: string, options: DiscoverOptions) => {
        const signatures = await discover(address, options.model, options.timeout);
        const { converted, leftOut } = convertible(signatures);
        for (const line of leftOut) console.error(line);
        if (converted.length === 0)
          throw new Error(`${address}: model ${options.model} has no signature that can be converted`);
        process.stdout.write(stringify(configuration(options, converted)));
      }),
  );
}

function configuration({ taskid, output }: DiscoverOptions, signatures: Signature[]): object {
  if (output === "modeltask")
    return { spec: { taskid, conversion: { protocol: "tensorflowServing", signatures } } };
  return { pluginConfig: { protocolConversion: { tasks: [{ taskid, signatures }] } } };
}
