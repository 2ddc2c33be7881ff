import type { Command } from "commander";
import { expect, it } from "vitest";
import { CATALOG } from "../../tools/cli/catalog.ts";
import { Progress } from "../../tools/lib/terminal/terminal-progress.ts";
import { modelgate, runHere } from "../support/modelgate.ts";

/** What `-o` prints, of every command that shows something of a cluster or of files. */
const FORMATS: Record<string, string[]> = {
  // A credential as its Tenant has it.
  "credentials create": ["json", "yaml"],
  "credentials rotate": ["json", "yaml"],
  // Objects of Kubernetes.
  get: ["json", "name", "wide", "yaml"],
  render: ["json", "name", "yaml"],
  apply: ["json", "name", "yaml"],
  install: ["json", "name", "yaml"],
  // What has a name, and is no object of its own.
  status: ["json", "name", "wide", "yaml"],
  "credentials list": ["json", "name", "wide", "yaml"],
  // One thing, or what has no name.
  doctor: ["json", "yaml"],
  "rollout status": ["json", "yaml"],
  "rollout history": ["json", "yaml"],
  "credentials verify": ["json"],
  "task discover": ["modeltask", "plugin-config"],
  // Lines and numbers of traffic.
  logs: ["json"],
  metrics: ["json", "wide"],
};
/** The commands that do something, and print what they did; `diff` prints patches, `top` a screen. */
const WITHOUT = [
  ...["build", "collector", "completion", "controller", "credentials revoke"],
  ...["delete", "dev", "diff", "drain", "explain placement", "loadtest"],
  ...["new converter", "new filter", "pack", "push", "rollout pause", "rollout resume", "rollout start"],
  ...["rollout undo", "sign", "test", "top", "uninstall", "validate", "verify", "warmup"],
];

interface Named {
  path: string;
  command: Command;
}

function leaves(command: Command, path: string): Named[] {
  return command.commands.length === 0
    ? [{ path, command }]
    : command.commands.flatMap((each) => leaves(each, `${path} ${each.name()}`));
}

const commands = (await Promise.all(CATALOG.map(({ load }) => load()))).flatMap((each) =>
  leaves(each, each.name()),
);

it("every command that lists or shows something does so for programs", () => {
  const found = commands.flatMap(({ path, command }): [string, string[]][] => {
    const output = command.options.find(({ short }) => short === "-o");
    return output ? [[path, (output.argChoices ?? []).toSorted()]] : [];
  });
  expect(Object.fromEntries(found)).toEqual(FORMATS);
  const others = commands.map(({ path }) => path).filter((path) => !(path in FORMATS));
  expect(others.toSorted()).toEqual(WITHOUT.toSorted());
});

/** Colours, and what moves a cursor. */
const CONTROL = ["\u001b", "\r", "\b"];
const hasControl = (text: string) => CONTROL.some((each) => text.includes(each));

it.each(commands)(
  "$path prints no control characters where there is no terminal",
  async ({ path, command }) => {
    const { stdout, stderr } = await runHere(command, ["--help"]);
    expect(stdout).toContain("Usage:");
    const wrong = await runHere(command.exitOverride(), ["--no-such-option"]);
    expect([path, hasControl(stdout + stderr + wrong.stdout + wrong.stderr)]).toEqual([path, false]);
  },
);

it("answers hold none either: errors, tables, the screen of top", async () => {
  const runs = await Promise.all([
    modelgate(["top", "--once", "--collector", "http://127.0.0.1:9"]),
    modelgate(["get", "tenants"]),
    modelgate(["validate", "-f", "manifests/examples/search"]),
    modelgate(["no-such-command"]),
  ]);
  for (const { stdout, stderr } of runs) {
    expect(stdout + stderr).not.toBe("");
    expect([stdout + stderr, hasControl(stdout + stderr)]).toEqual([stdout + stderr, false]);
  }
});

it("progress is a line now and then, unless stderr is a terminal that can rewrite one", () => {
  const written: string[] = [];
  const { write, isTTY } = process.stderr;
  process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write;
  const steps = (terminal: boolean) => {
    written.length = 0;
    process.stderr.isTTY = terminal;
    const progress = new Progress("applied", 2, 0);
    progress.step();
    progress.step();
    progress.end();
    return written.join("");
  };
  try {
    expect(steps(false)).toBe("applied 1 of 2\napplied 2 of 2\n");
    expect(steps(true)).toBe("\r\x1b[Kapplied 1 of 2\r\x1b[Kapplied 2 of 2\r\x1b[K");
  } finally {
    Object.assign(process.stderr, { write, isTTY });
  }
});
