import { join } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { newConverter } from "../../local/converter/new-folder.ts";

export function newCommand(): Command {
  return new Command("new").description("Create a project folder").addCommand(
    new Command("converter")
      .description("Create a converter for a task: source, example, test, README")
      .addArgument(new Argument("<name>", "name of the converter").argParser(converterName))
      .option("--dir <folder>", "output folder (default: ./<name>)")
      .action(async (name: string, { dir }: { dir?: string }) => {
        const folder = dir ?? name;
        for (const file of await newConverter(name, folder)) console.error(`wrote ${join(folder, file)}`);
        console.error(`try it: modelgate test --converter ${folder}`);
      }),
  );
}

function converterName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError("must be lower-case letters, digits and -, such as ranking");
  return text;
}
