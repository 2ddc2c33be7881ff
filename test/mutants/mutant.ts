import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { MODULES, type ModuleName } from "../../tools/lib/wasm/modules.ts";
import { sourcesOf } from "./sources.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);

/** One defence broken on purpose: a change of one place, and the test that must fail then. */
export interface Mutant {
  /** First cell of its row in docs/operate/threat-model.md. */
  threat: string;
  /** Path in the repository. */
  file: string;
  /** What stands there once, and what takes its place. */
  from: string;
  to: string;
  /** `<test file>: <full name of the test, or a part of it>`, as the threat model names them. */
  test: string;
  /** Without the defence the test does not come to an end, which is how it fails. */
  endless?: true;
}

/** Path of the test file, and of a test's full name the part that chooses it. */
export function testOf({ test }: Pick<Mutant, "test">): { file: string; name: string } {
  const colon = test.indexOf(": ");
  return { file: test.slice(0, colon), name: test.slice(colon + 2) };
}

/** Is what it changes compiled to WebAssembly? */
export function isOfFilters({ file }: Mutant): boolean {
  return file.startsWith("filters/");
}

const sources = new Map<string, Set<string>>();
const loaded = new Map<string, ModuleName[]>();

function known<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}

/**
 * Modules that a test file loads from `build/`: those that it names, or a helper of tests that it imports, or
 * the command's own code that it reaches, which starts Envoy with them.
 */
export function modulesOfTest(file: string): ModuleName[] {
  return known(loaded, file, () => {
    const texts = [...sourcesOf(ROOT, file)]
      .filter((name) => !name.endsWith("/modules.ts"))
      .map((name) => ({ isTest: name.startsWith("test/"), text: readFileSync(`${ROOT}/${name}`, "utf8") }));
    return MODULES.filter((name) =>
      texts.some(({ isTest, text }) => text.includes(isTest ? `"${name}"` : `modulePath("${name}")`)),
    );
  });
}

/** Modules of `build/` that have the mutant in them, and that its test loads: they must be built anew. */
export function modulesOf(mutant: Mutant): ModuleName[] {
  return modulesOfTest(testOf(mutant).file).filter((name) =>
    known(sources, name, () => sourcesOf(ROOT, `filters/${name}/module.ts`)).has(mutant.file),
  );
}

/** The source with the change. @throws Error unless the place is there once */
export function mutated(source: string, { file, from, to }: Mutant): string {
  const places = source.split(from).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} times, not once: ${from}`);
  return source.replace(from, () => to);
}

/** Rows of a table: what is the same in many of them is said once. */
export function mutants(
  threat: string,
  file: string,
  rows: [test: string, from: string, to: string][],
): Mutant[] {
  return rows.map(([test, from, to]) => ({ threat, file, from, to, test }));
}
