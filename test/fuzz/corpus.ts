import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

/**
 * Inputs that are kept: those that were first to reach a branch, and those of faults that were fixed. One file a target, one input a
 * line, as a JSON string whose characters are bytes.
 */
const fileOf = (target: string) => new URL(`test/fuzz/corpus/${target}.ndjson`, PROJECT_ROOT);

export function loadCorpus(target: string): Buffer[] {
  let text: string;
  try {
    text = readFileSync(fileOf(target), "utf8");
  } catch {
    return [];
  }
  const lines = text.split("\n").filter(Boolean);
  return lines.map((line) => Buffer.from(JSON.parse(line) as string, "latin1"));
}

export function saveCorpus(target: string, inputs: readonly Buffer[]): void {
  mkdirSync(new URL(".", fileOf(target)), { recursive: true });
  const lines = inputs.map((input) => `${asciiJson(input.toString("latin1"))}\n`);
  writeFileSync(fileOf(target), lines.join(""));
}

/** JSON of bytes in printable ASCII only. */
export function asciiJson(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\xff]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}
