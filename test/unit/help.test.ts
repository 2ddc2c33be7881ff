import { type Command, CommanderError } from "commander";
import { expect, it } from "vitest";
import { CATALOG, nameOf } from "../../tools/cli/catalog.ts";
import { EXAMPLES } from "../../tools/cli/examples.ts";
import { makeProgram } from "../../tools/cli/program.ts";
import { commandParser, shellWords } from "../support/command-lines.ts";

const commands = (await Promise.all(CATALOG.map(({ load }) => load()))).flatMap((command) =>
  leaves(command, command.name()),
);

/** The commands that do something, by their words. */
function leaves(command: Command, path: string): [string, Command][] {
  if (command.commands.length === 0) return [[path, command]];
  return command.commands.flatMap((each) => leaves(each, `${path} ${each.name()}`));
}

it("there are examples of commands only", () => {
  expect(Object.keys(EXAMPLES).toSorted()).toEqual(commands.map(([path]) => path).toSorted());
});

it.each(commands)("the examples of %s are of that command", (path) => {
  for (const [, args] of EXAMPLES[path] ?? []) expect(`${args} `.startsWith(`${path} `)).toBe(true);
});

it.each([
  [],
  ...CATALOG.map((entry) => [nameOf(entry)]),
  ...commands.map(([path]) => path.split(" ")).filter((words) => words.length > 1),
])("modelgate %s %s --help shows two examples", async (...words) => {
  const help = await helpOf(words);
  expect(help.match(/^ {2}# .+\n {2}modelgate /gm)?.length).toBeGreaterThanOrEqual(2);
});

/** What `modelgate ... --help` prints. */
async function helpOf(words: string[]): Promise<string> {
  const program = await makeProgram(words);
  let command: Command = program;
  for (const word of words) command = command.commands.find((each) => each.name() === word) as Command;
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

it.each(Object.values(EXAMPLES).flatMap((each) => each.map(([, args]) => args)))(
  "modelgate %s: the command takes these arguments",
  async (args) => {
    const parse = await commandParser();
    await parse(shellWords(args));
  },
);

it("a wrong option or argument of an example is found", async () => {
  const parse = await commandParser();
  await expect(parse(["validate", "--flename", "x"])).rejects.toThrow(CommanderError);
  await expect(parse(["get"])).rejects.toThrow(CommanderError);
  await expect(parse(["get", "pods"])).rejects.toThrow(CommanderError);
  await expect(parse(["frobnicate"])).rejects.toThrow(CommanderError);
});

it.each(commands)("%s is described in plain words, once, with no full stop", (_, command) => {
  expect(command.description()).toMatch(/^[A-Z].*[^.;]$/);
  for (const { description } of [...command.options, ...command.registeredArguments])
    expect(description).toMatch(/^\S.*(?:[^.;]|\.\.\.)$/);
});
