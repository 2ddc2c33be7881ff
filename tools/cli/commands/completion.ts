import { Argument, Command, type Option } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function completionCommand(): Command {
  return new Command("completion")
    .description("Print a shell completion script")
    .addArgument(new Argument("<shell>", "shell").choices(SHELLS))
    .action((shell: (typeof SHELLS)[number], _options: object, command: Command) => {
      const root = command.parent as Command;
      if (shell === "fish") process.stdout.write(fish(root));
      else process.stdout.write((shell === "zsh" ? ZSH_COMPAT : "") + bash(root));
    });
}

const ZSH_COMPAT = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n";

interface Entry {
  /** Words after `modelgate` that lead here. */
  path: string[];
  commands: Command[];
  /** What the first argument may be. */
  choices: readonly string[];
  options: readonly Option[];
}

/** The commands, those of commands before them. */
function entries(command: Command, path: string[] = []): Entry[] {
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  const { commands, options } = command;
  const own = { path, commands: [...commands], choices, options };
  return [...commands.flatMap((each) => entries(each, [...path, each.name()])), own];
}

/** After an option its values or, where it has no choices, files; else what the command takes. */
function bash(root: Command): string {
  const cases = entries(root).flatMap(({ path, commands, choices, options }) => {
    const start = path.length === 0 ? "" : JSON.stringify(`${path.join(" ")} `);
    const values = options.filter(takesValue).map((option) => {
      const patterns = flags(option).map((flag) => `${start}*${JSON.stringify(`${flag} `)}`);
      return `    ${patterns.join("|")}) words=${JSON.stringify((option.argChoices ?? []).join(" "))} ;;`;
    });
    const words = [
      ...commands.map((each) => each.name()),
      ...choices,
      ...options.flatMap(({ long }) => long ?? []),
      "--help",
    ];
    return [...values, `    ${start}*) words=${JSON.stringify(words.join(" "))} ;;`];
  });
  return `_modelgate() {
  local words current="\${COMP_WORDS[COMP_CWORD]}" path="\${COMP_WORDS[*]:1:$((COMP_CWORD - 1))} "
  [ "$current" != = ] || current=
  case "\${path// = / }" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _modelgate modelgate
`;
}

function fish(root: Command): string {
  const lines = entries(root).flatMap(({ path, commands, choices, options }) => {
    const names = commands.map((each) => each.name());
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const unseen = names.length > 0 ? [`not __fish_seen_subcommand_from ${names.join(" ")}`] : [];
    const start = `complete -c modelgate -n ${quoted([...seen, ...unseen].join("; and ") || "true")}`;
    return [
      ...commands.map((each) => `${start} -a ${each.name()} -d ${quoted(each.description())}`),
      ...choices.map((choice) => `${start} -a ${choice}`),
      ...options.map((option) => {
        const names = flags(option).map((flag) =>
          flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        const value = option.argChoices ? ` -x -a ${quoted(option.argChoices.join(" "))}` : " -r -F";
        return `${start} ${names.join(" ")}${takesValue(option) ? value : ""} -d ${quoted(option.description)}`;
      }),
    ];
  });
  return `complete -c modelgate -f\n${lines.join("\n")}\n`;
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function flags({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

/** A word of fish. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
