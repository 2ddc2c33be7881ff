import { Help } from "commander";
import { expect, it } from "vitest";
import { CATALOG, nameOf } from "../../tools/cli/catalog.ts";
import { makeProgram } from "../../tools/cli/program.ts";

it.each(CATALOG.map((entry) => [nameOf(entry), entry] as const))(
  "the catalog says of %s what it says itself",
  async (_, entry) => {
    const command = await entry.load();
    expect({ usage: new Help().subcommandTerm(command), description: command.description() }).toEqual({
      usage: entry.usage,
      description: entry.description,
    });
  },
);

it("the help is the same whichever command is loaded", async () => {
  const help = async (...args: string[]) => (await makeProgram(args)).helpInformation();
  const none = await help("--help");
  expect(none).toContain("collector [options] [file...]");
  expect(await help("completion", "bash")).toBe(none);
  expect(await help("apply")).toBe(none);
});

it.each([
  [["validate"], "validate"],
  [["--help", "validate"], "validate"],
  [["help", "validate"], "validate"],
])("%j loads the command that it names, and no other", async (args, name) => {
  const program = await makeProgram(args);
  const loaded = program.commands.filter(({ options }) => options.length > 0);
  expect(loaded.map((command) => command.name())).toEqual([name]);
});
