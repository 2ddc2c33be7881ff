import { readFileSync } from "node:fs";
import { MODULES, type ModuleName } from "../../tools/lib/wasm/modules.ts";

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
}

/** Path of the test file, and of a test's full name the part that chooses it. */
export function testOf({ test }: Pick<Mutant, "test">): { file: string; name: string } {
  const colon = test.indexOf(": ");
  return { file: test.slice(0, colon), name: test.slice(colon + 2) };
}

/**
 * Modules that the test loads from `build/`: those that it or what it imports of `test/support` names. They must
 * be built of the changed source.
 */
export function modulesOf(mutant: Mutant): ModuleName[] {
  if (!mutant.file.startsWith("filters/")) return [];
  const text = readFileSync(testOf(mutant).file, "utf8");
  const support = [...text.matchAll(/"\.\.\/(support\/[\w-]+\.ts)"/g)].map(([, name]) =>
    readFileSync(`test/${name}`, "utf8"),
  );
  return MODULES.filter((name) => [text, ...support].some((each) => each.includes(`"${name}"`)));
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
