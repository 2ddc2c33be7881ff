import { Command, Help } from "commander";
import { CATALOG, type CatalogEntry, nameOf } from "./catalog.ts";
import { examplesOf } from "./examples.ts";

/** The commands that print what they know of all of them. */
const OF_ALL = ["completion"];

/**
 * The program, with the code of the one command that its arguments name; of the others it knows what the help
 * says.
 * @param args behind the program's name
 * @param name as it is called: `kubectl modelgate` where kubectl calls it
 */
export async function makeProgram(args: string[], name = "modelgate"): Promise<Command> {
  const wanted = commandIn(args);
  const program = new Command(name)
    .description("Envoy WebAssembly filters for model-serving gateways, and the tooling that ships them")
    .showHelpAfterError(`${name} --help lists the commands, ${name} COMMAND --help its options`)
    .option("-V, --version", "show the versions of command, filters, ABI and Envoy")
    .addHelpText("after", exampleText(name, ""))
    .configureHelp({
      subcommandTerm: (command) => USAGES.get(command.name()) ?? DEFAULTS.subcommandTerm(command),
    });
  for (const entry of CATALOG) {
    const isWanted = wanted === nameOf(entry) || OF_ALL.includes(wanted);
    program.addCommand(isWanted ? withExamples(name, await entry.load()) : named(entry));
  }
  return program;
}

const DEFAULTS = new Help();
const USAGES = new Map(CATALOG.map((entry) => [nameOf(entry), entry.usage]));

/** The command that is called, or asked about: `modelgate help apply`. */
function commandIn(args: string[]): string {
  const [first = "", second = ""] = args.filter((each) => !each.startsWith("-"));
  return first === "help" ? second : first;
}

function named(entry: CatalogEntry): Command {
  return new Command(nameOf(entry)).description(entry.description);
}

/** Adds examples to the help of a command and of those below it. */
function withExamples(program: string, command: Command, path = command.name()): Command {
  for (const each of command.commands) withExamples(program, each, `${path} ${each.name()}`);
  return command.addHelpText("after", exampleText(program, path));
}

function exampleText(program: string, path: string): string {
  const examples = examplesOf(path).map(([comment, args]) => `  # ${comment}\n  ${program} ${args}`);
  return `\nExamples:\n${examples.join("\n\n")}`;
}
