import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { CATALOG } from "../../tools/cli/catalog.ts";
import { logsCommand } from "../../tools/cli/commands/logs.ts";
import { metricsCommand } from "../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../tools/cli/commands/top.ts";
import { toYaml } from "../../tools/lib/kubernetes/yaml.ts";
import { Progress } from "../../tools/lib/terminal/terminal-progress.ts";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
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
  "budgets list": ["json", "name", "yaml"],
  // One thing, or what has no name.
  doctor: ["json", "yaml"],
  "budgets show": ["json", "yaml"],
  "rollout status": ["json", "yaml"],
  "rollout history": ["json", "yaml"],
  "credentials verify": ["json"],
  "task discover": ["modeltask", "plugin-config"],
  // Lines and numbers of traffic.
  logs: ["json"],
  // A run, as --save keeps it.
  loadtest: ["json", "yaml"],
  metrics: ["json", "wide"],
};
/** The commands that do something, and print what they did; `diff` prints patches, `top` a screen. */
const WITHOUT = [
  ...["budgets reset", "budgets top-up"],
  ...["build", "collector", "completion", "controller", "credentials revoke"],
  ...["delete", "dev", "diff", "drain", "explain placement", "indexer"],
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

/** What a terminal takes for commands, or shows in another order than it stands in. */
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const hasControl = (text: string) => CONTROL.test(text);
/** ESC, OSC with its end, C1's CSI, DEL, an override of direction, CR and BS. */
const HOSTILE = "x\u001b[2J\u001b]0;owned\u0007\u009b31m\u007f\u202eevil\r\b";

it.each(commands)(
  "$path prints no control characters where there is no terminal",
  async ({ path, command }) => {
    const { stdout, stderr } = await runHere(command, ["--help"]);
    expect(stdout).toContain("Usage:");
    const wrong = await runHere(command.exitOverride(), ["--no-such-option"]);
    expect([path, hasControl(stdout + stderr + wrong.stdout + wrong.stderr)]).toEqual([path, false]);
  },
);

it.each(commands)("$path prints none of what it was called with", async ({ path, command }) => {
  const needed = command.options.filter(
    ({ mandatory, defaultValue }) => mandatory && defaultValue === undefined,
  );
  const given = needed.flatMap(({ long }) => [String(long), HOSTILE]);
  const wrong = await runHere(command.exitOverride(), [...given, `--no${HOSTILE}`]);
  expect([path, wrong.stderr]).toEqual([path, expect.stringContaining("\\u001b[2J")]);
  expect([path, hasControl(wrong.stdout + wrong.stderr)]).toEqual([path, false]);
});

it("traffic of a caller without a credential reaches the terminal as text, and programs as it was", async () => {
  const folder = await testFolder();
  const line = logLine({ taskid: HOSTILE, version: `${HOSTILE}\nforged line`, path: `/${HOSTILE}` });
  await writeFile(join(folder, "a.log"), toText([line]));
  const collector = await startTestCollector(folder);
  await expect.poll(() => collector.requests()).toBe(1);
  for (const source of [[join(folder, "a.log")], ["--collector", collector.url]])
    for (const [make, args, rows] of [
      [logsCommand, [], 1],
      [metricsCommand, ["--by", "taskid,version"], 2],
      [topCommand, ["--once"], undefined],
    ] as const) {
      const { stdout, stderr } = await runHere(make(), [...source, ...args]);
      expect([make.name, hasControl(stdout + stderr)]).toEqual([make.name, false]);
      if (rows !== undefined) expect(stdout.trimEnd().split("\n")).toHaveLength(rows);
    }
  const { stdout } = await runHere(logsCommand(), ["--collector", collector.url, "-o", "json"]);
  expect([JSON.parse(stdout).version, hasControl(stdout)]).toEqual([line.version, false]);
});

it("objects in YAML hold none, and are what they were", () => {
  const object = { name: HOSTILE, [`key${HOSTILE}`]: ["a\nb\t", { on: `${HOSTILE}"'\n` }] };
  expect(hasControl(toYaml(object))).toBe(false);
  expect(parse(toYaml(object))).toEqual(object);
});

it("the program itself is guarded: what its errors echo, and what comes in by a file's name", async () => {
  const run = await modelgate(["validate", "-f", `/no/${HOSTILE}`]);
  expect(run.stderr).toContain("\\u001b[2J");
  const unknown = await modelgate([HOSTILE]);
  expect(hasControl(run.stdout + run.stderr + unknown.stdout + unknown.stderr)).toBe(false);
});

it("moves the cursor of a terminal in one place", async () => {
  const files = (await readdir("tools", { recursive: true })).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(files.map((name) => readFile(join("tools", name), "utf8")));
  const drawing = files.filter((_, i) =>
    /\\x1b|\\u001b|\\u009b/.test((texts[i] as string).replaceAll(/^ *\/?\*.*$/gm, "")),
  );
  expect(drawing.toSorted()).toEqual(["cli/commands/top.ts", "lib/terminal/terminal-progress.ts"]);
  for (const name of drawing) expect(texts[files.indexOf(name)]).toContain("drawOver(");
});

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
