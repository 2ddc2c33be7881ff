import { fileURLToPath } from "node:url";
import type { Argument, Command, Option } from "commander";
import { CATALOG, nameOf } from "../../../tools/cli/catalog.ts";
import { EXAMPLES } from "../../../tools/cli/examples.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { page, plain, table } from "./markdown.ts";

/** What each command takes, from the commands themselves. */
export async function cliPage(): Promise<string> {
  const commands = await Promise.all(
    CATALOG.map(async (entry) => [nameOf(entry), await entry.load()] as const),
  );
  return page(
    "Command line",
    "`modelgate COMMAND --help` prints the same. Errors go to stderr; unless a command says otherwise, exit code 0 is success and 1 a failure.",
    table(
      ["command", "does"],
      commands.map(([name, command]) => [`[${name}](#modelgate-${name})`, plain(command.description())]),
    ),
    ...commands.flatMap(([name, command]) => sections(command, name)),
  );
}

function sections(command: Command, path: string): string[] {
  const below = command.commands.flatMap((each) => sections(each, `${path} ${each.name()}`));
  return [`## modelgate ${path}`, plain(command.description()), ...about(command, path), ...below];
}

function about(command: Command, path: string): string[] {
  if (command.commands.length > 0) return [];
  const { registeredArguments, options } = command;
  return [
    `\`modelgate ${path} ${command.usage()}\``,
    registeredArguments.length === 0 ? "" : table(["argument", "is"], registeredArguments.map(argumentRow)),
    options.length === 0 ? "" : table(["option", "meaning"], options.map(optionRow)),
    examples(path),
  ].filter((part) => part !== "");
}

function argumentRow(argument: Argument): string[] {
  const { description, argChoices } = argument;
  return [`\`${argument.name()}\``, plain(description) + choices(argChoices)];
}

function optionRow({ flags, description, argChoices, ...option }: Option): string[] {
  return [`\`${flags}\``, plain(description) + choices(argChoices) + defaultOf(option) + variable(option)];
}

function choices(values: readonly string[] | undefined): string {
  return values === undefined ? "" : `: ${values.map((value) => `\`${value}\``).join(", ")}`;
}

function defaultOf({ defaultValue, defaultValueDescription }: Partial<Option>): string {
  const text = defaultValueDescription ?? textOf(defaultValue);
  return text === "" ? "" : ` (default: \`${text}\`)`;
}

/** Nothing for what is empty unless given; paths from the project's folder. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "string") return value.replace(fileURLToPath(PROJECT_ROOT), "");
  return typeof value === "number" ? String(value) : "";
}

function variable({ envVar }: Partial<Option>): string {
  return envVar === undefined ? "" : ` (env: \`${envVar}\`)`;
}

function examples(path: string): string {
  const lines = EXAMPLES[path]?.map(([comment, args]) => `# ${comment}\nmodelgate ${args}`) ?? [];
  return `\`\`\`sh no-test\n${lines.join("\n\n")}\n\`\`\``;
}
