import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { parseResources } from "../../../tools/api/load.ts";
import { readPrices } from "../../../tools/api/prices.ts";
import { CATALOG } from "../../../tools/cli/catalog.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { commandParser, shellWords } from "../../support/command-lines.ts";
import { type Fence, fences, pages, prose } from "../../support/markdown.ts";

const inProject = (path: string) => fileURLToPath(new URL(path, PROJECT_ROOT));
const SCRIPTS = JSON.parse(readFileSync(inProject("package.json"), "utf8")).scripts as object;
const ALL = pages().flatMap(({ path, text }) => fences(text).map((fence) => ({ path, ...fence })));
const SHELL = ALL.filter(({ info }) => /^sh\b/.test(info));
/**
 * What `modelgate new` writes: test/unit/converter/new.test.ts and test/envoy/new-filter.test.ts run its
 * commands.
 */
const TEMPLATES = ["filters/converter/template/README.md", "filters/stage/template/README.md"];
const TO_RUN = Map.groupBy(
  SHELL.filter(({ info, path }) => info === "sh" && !TEMPLATES.includes(path)),
  ({ path }) => path,
);

it("every fence names its language, and commands stand in sh", () => {
  const wrong = ALL.filter(({ info }) => /^($|bash|shell|console|zsh)/.test(info));
  expect(wrong.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
});

it("a fence that is not run says so: no-test, or run-by=FILE", () => {
  const wrong = SHELL.filter(({ info }) => {
    const [, mark, file] = /^sh(?: (no-test|run-by=(\S+)))?$/.exec(info) ?? [];
    return info !== "sh" && (mark === undefined || (file !== undefined && !existsSync(inProject(file))));
  });
  expect(wrong.map(({ path, line, info }) => `${path}:${line}: ${info}`)).toEqual([]);
});

/** Text of a file that runs commands, with that of the helpers which it imports from its own folders. */
function runnerText(file: string, seen = new Set<string>()): string {
  if (seen.has(file) || !existsSync(inProject(file))) return "";
  seen.add(file);
  const text = readFileSync(inProject(file), "utf8");
  const helpers = [...text.matchAll(/from "(\.[^"]+\.ts)"/g)].map(([, to = ""]) =>
    posix.join(dirname(file), to),
  );
  return [
    text,
    ...helpers.filter((each) => each.startsWith("test/")).map((each) => runnerText(each, seen)),
  ].join("\n");
}

/** Words of a command that its runner must have: what it is called, its subcommands, options, headers and path. */
function tellingWords(command: string): string[] {
  const words = shellWords(command.replace(/\s#.*$/, "")).filter((word) => !word.includes("://"));
  const isName = (word: string) => /^[a-z][a-z-]*$/.test(word) || /^-{1,2}[a-z][\w-]*$/i.test(word);
  const names = words.filter(isName).filter((word) => word !== "modelgate" && word !== "ranking");
  const headers = words.flatMap((word) => /^([\w-]+): /.exec(word)?.[1] ?? []);
  return [...names, ...headers].filter((word) => word !== "my-tenant");
}

it("a file that is said to run commands has their words, or runs the page", () => {
  const wrong = SHELL.flatMap((fence) => {
    const [, file] = /run-by=(\S+)/.exec(fence.info) ?? [];
    const text = file === undefined ? "" : runnerText(file);
    if (file === undefined || text.includes(`"${fence.path}"`)) return [];
    const missing = commandLines(fence).flatMap((command) =>
      tellingWords(command).filter((word) => !new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text)),
    );
    return missing.map((word) => `${fence.path}:${fence.line}: ${file} has no ${word}`);
  });
  expect(wrong).toEqual([]);
});

/** The commands of a fence: comments and line ends behind a backslash are gone. */
function commandLines({ body }: Fence): string[] {
  return body
    .replaceAll("\\\n", " ")
    .split(/\n|&&|\|(?!\|)/)
    .map((line) => line.trim().replace(/^npx /, ""))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

it("modelgate takes the commands of all pages", async () => {
  const parse = await commandParser();
  const wrong: string[] = [];
  const lines = SHELL.flatMap((fence) => commandLines(fence).map((line) => ({ ...fence, command: line })));
  const own = lines.filter(({ command }) => command.startsWith("modelgate "));
  expect(own.length).toBeGreaterThan(100);
  for (const { path, line, command } of own)
    await parse(shellWords(command).slice(1)).catch((error: Error) =>
      wrong.push(`${path}:${line}: ${command}: ${error.message}`),
    );
  expect(wrong).toEqual([]);
});

it("commands and options that are named in a text are there", async () => {
  const commands = new Map<string, Command>();
  for (const { load } of CATALOG) addAll(await load(), "", commands);
  const options = new Set(
    [...commands.values()].flatMap((command) => command.options.map(({ long }) => long)),
  );
  const wrong = pages().flatMap(({ path, text }) =>
    [...prose(text).matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => {
      const [name = "", ...words] = code.split(" ");
      const given = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0] ?? "");
      if (name.startsWith("--")) return isOption(name, options) ? [] : [`${path}: ${code}`];
      if (
        name !== "modelgate" ||
        words[0] === undefined ||
        words[0] === "COMMAND" ||
        code === "modelgate --version"
      )
        return [];
      const command = commands.get(`${words[0]} ${words[1]}`) ?? commands.get(words[0]);
      const known = new Set(command?.options.map(({ long }) => long));
      return command && given.every((each) => known.has(each)) ? [] : [`${path}: ${code}`];
    }),
  );
  expect(wrong).toEqual([]);
});

function addAll(command: Command, before: string, to: Map<string, Command>): void {
  const path = `${before}${command.name()}`;
  to.set(path, command);
  for (const each of command.commands) addAll(each, `${path} `, to);
}

/** Options of Node, npm or the scripts in test/ that texts name. */
const OF_OTHERS = ["--help", "--resume"];

function isOption(text: string, options: Set<string | undefined | null>): boolean {
  const [name = ""] = text.split(/[ =|,]/);
  return options.has(name) || OF_OTHERS.includes(name);
}

it("Tenants and ModelTasks of pages are valid", () => {
  const files = ALL.filter(
    ({ info, body }) =>
      info === "yaml" && body.includes("apiVersion: modelgate.dev/") && !body.includes("kind: Prices"),
  );
  expect(files.length).toBeGreaterThan(1);
  const { faults } = parseResources(
    files.map(({ path, line, body }) => ({ file: path, text: "\n".repeat(line) + body })),
  );
  expect(faults).toEqual([]);
});

it("price tables of pages are valid", async () => {
  const tables = ALL.filter(({ info, body }) => info === "yaml" && body.includes("kind: Prices"));
  expect(tables.length).toBeGreaterThan(0);
  const folder = await mkdtemp(join(tmpdir(), "modelgate-prices-"));
  for (const { body } of tables) {
    await writeFile(join(folder, "prices.yaml"), body);
    expect((await readPrices(join(folder, "prices.yaml"))).currency).toMatch(/^[A-Z]{3}$/);
  }
  await rm(folder, { recursive: true });
});

it("every npm script that a page names is there", () => {
  const wrong = pages().flatMap(({ path, text }) =>
    [...text.matchAll(/npm run ([a-z][\w:-]*)/g)]
      .filter(([, name = ""]) => !(name in SCRIPTS))
      .map(([, name]) => `${path}: ${name}`),
  );
  expect(wrong).toEqual([]);
});

it("every lane of tests is described", () => {
  const page = pages().find(({ path }) => path === "docs/develop/testing.md")?.text ?? "";
  const lanes = Object.keys(SCRIPTS).filter((name) => /^(test:|bench|fuzz)/.test(name));
  expect(lanes.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

describe("pages whose commands are run, in a copy of manifests", () => {
  it.each([...TO_RUN])("%s", async (_, toRun) => {
    const folder = await mkdtemp(join(tmpdir(), "modelgate-docs-"));
    try {
      await cp(inProject("manifests"), join(folder, "manifests"), { recursive: true });
      const program = join(folder, "modelgate");
      await writeFile(
        program,
        `#!/bin/sh\nexec '${process.execPath}' '${inProject("tools/cli/modelgate.ts")}' "$@"\n`,
      );
      await chmod(program, 0o755);
      for (const { line, body } of toRun)
        expect(await run(body, folder), `line ${line}`).toEqual({ code: 0, errors: expect.any(String) });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it("a command that fails is found", async () => {
  expect(await run("true\nfalse\ntrue", tmpdir())).toMatchObject({ code: 1 });
  expect(await run("false | true", tmpdir())).toMatchObject({ code: 1 });
});

/** Runs a fence as one script, without a cluster. */
async function run(body: string, folder: string): Promise<{ code: number; errors: string }> {
  const PATH = `${folder}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, HOME: folder, KUBECONFIG: "/dev/null", PATH };
  const child = spawn("bash", ["-euo", "pipefail", "-c", body], {
    ...{ cwd: folder, env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, errors };
}
