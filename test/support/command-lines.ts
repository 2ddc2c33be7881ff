import { Command } from "commander";
import { CATALOG } from "../../tools/cli/catalog.ts";

/** Parses the words behind `modelgate` as the program does, and runs nothing. @throws CommanderError */
export async function commandParser(): Promise<(words: string[]) => Promise<void>> {
  const loaded = new Map(CATALOG.map((entry) => [entry.usage.split(" ")[0], entry.load]));
  return async (words) => {
    const program = new Command("modelgate");
    const load = loaded.get(words[0]);
    // A new one each time: options of a command keep what was parsed before.
    if (load) program.addCommand(await load());
    else program.command("none");
    quiet(program);
    await program.parseAsync(words, { from: "user" });
  };
}

function quiet(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  if (command.commands.length === 0) command.action(() => {});
  for (const each of command.commands) quiet(each);
}

/** The words of a simple command, up to a redirection or pipe: quotes are taken off, nothing is expanded. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  for (const [, single, double, bare] of text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    if (bare !== undefined && /^(?:[<>|;#]|>>|&&|2>)/.test(bare)) break;
    words.push(single ?? double ?? bare ?? "");
  }
  return words;
}
