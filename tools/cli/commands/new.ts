import { join } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import type { OwnModule } from "../../lib/wasm/modules.ts";
import { newFolder } from "../../local/own-module/new-folder.ts";

export function newCommand(): Command {
  return new Command("new")
    .description("Create a project folder")
    .addCommand(
      kindCommand(
        "converter",
        "Create a converter for a task: source, example, test, README",
        "name of the converter",
      ),
    )
    .addCommand(
      kindCommand("filter", "Create a filter of your own stage: source, tests, README", "name of the filter"),
    );
}

function kindCommand(kind: OwnModule["kind"], description: string, argument: string): Command {
  return new Command(kind)
    .description(description)
    .addArgument(new Argument("<name>", argument).argParser(folderName))
    .option("--dir <folder>", "output folder (default: ./<name>)")
    .action(async (name: string, { dir }: { dir?: string }) => {
      const folder = dir ?? name;
      for (const file of await newFolder({ kind, folder }, name))
        console.error(`wrote ${join(folder, file)}`);
      console.error(`try it: modelgate test --${kind} ${folder}`);
    });
}

function folderName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError("must be lower-case letters, digits and -, such as ranking");
  return text;
}
