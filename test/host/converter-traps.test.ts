import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { TrapError } from "../../tools/lib/wasm/trap.ts";
import { converterInNode } from "../../tools/local/converter/try.ts";
import { probeModule } from "../support/converter.ts";

const FOLDER = "test/wasm/converters/traps";
const SOURCE = readFileSync(fileURLToPath(new URL(`${FOLDER}/converter.ts`, PROJECT_ROOT)), "utf8").split(
  "\n",
);

const TOO_LONG = "a callback ran for more instructions than it may: an endless loop?";

let module: string;
beforeAll(async () => {
  module = await probeModule("traps");
});

/** Number of the line of the source that holds a text. */
const lineOf = (text: string) => SOURCE.findIndex((line) => line.includes(text)) + 1;

it.each([
  ["index", "Index out of range", 'how == "index"', "before"],
  ["array", "Index out of range", 'how == "array"', "before"],
  ["assert", "seven", 'how == "assert"', "before"],
  ["zero", "divide by zero", 'how == "zero"', "before"],
  ["null", "Unexpected 'null' (not assigned or failed cast)", 'how == "null"', "before"],
  ["deep", "Maximum call stack size exceeded", "return values[0] + deep", "deep"],
  ["hog", "no memory is left: a module may have as much as it was built with", "kept.push", "(?:hog|before)"],
  ["loop", TOO_LONG, "while (values[i & 7]", "(?:spin|before)"],
  ["nested", TOO_LONG, "while (values[0]", "(?:nest|before)"],
  ["recursion", TOO_LONG, "fibonacci(n - 1)", "fibonacci"],
])("a trap (%s) names the author's own file and line", (how, why, line, name) => {
  let trap: unknown;
  try {
    converterInNode(module, {}, FOLDER).before(how);
  } catch (error) {
    trap = error;
  }
  expect(trap).toBeInstanceOf(TrapError);
  const { message, stack = "" } = trap as TrapError;
  const place = `${FOLDER}/converter.ts:${lineOf(line)}:`;
  expect(message).toMatch(new RegExp(`^${why.replaceAll(/[()?]/g, "\\$&")} at ${place}\\d+$`));
  expect(stack).toMatch(new RegExp(`\n {2}at ${name} \\(${place}\\d+\\)\n`));
  expect(stack).not.toMatch(/~lib|undefined|wasm:|tools\/lib/);
  expect(stack).toContain("converter-traps.test.ts");
});
