import { Argument, Command } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function completionCommand(): Command {
  return new Command("completion")
    .description("print a script that completes commands and options: source <(modelgate completion bash)")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action((shell: (typeof SHELLS)[number], _options: object, command: Command) => {
      const root = command.parent as Command;
      process.stdout.write(
        shell === "fish"
          ? fish(root)
          : shell === "zsh"
            ? `autoload -U +X bashcompinit && bashcompinit\n${bash(root)}`
            : bash(root),
      );
    });
}

interface Entry {
  /** Words after `modelgate` that lead here. */
  path: string[];
  /** What may follow: commands, choices of the first argument, long options. */
  words: string[];
}

function entries(command: Command, path: string[] = []): Entry[] {
  const subcommands = command.commands.map((each) => each.name());
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  const options = command.options.flatMap(({ long }) => long ?? []);
  return [
    { path, words: [...subcommands, ...choices, ...options, "--help"] },
    ...command.commands.flatMap((each) => entries(each, [...path, each.name()])),
  ];
}

function bash(root: Command): string {
  const cases = entries(root)
    .sort((a, b) => b.path.length - a.path.length)
    .map(
      ({ path, words }) =>
        `    ${JSON.stringify([...path, ""].join(" "))}*) words=${JSON.stringify(words.join(" "))} ;;`,
    );
  return `_modelgate() {
  local words path="\${COMP_WORDS[*]:1:COMP_CWORD-1} "
  case "$path" in
${cases.join("\n").replaceAll('""*', "*")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _modelgate modelgate
`;
}

function fish(root: Command): string {
  return entries(root)
    .flatMap(({ path, words }) => {
      const condition =
        path.length === 0 ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.at(-1)}`;
      return words.map((word) => {
        const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c modelgate -n '${condition}' ${what}\n`;
      });
    })
    .join("");
}
