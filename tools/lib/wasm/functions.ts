import { SectionId, sectionsOf, WasmReader } from "./binary.ts";

/** A function that the module itself has: its body, locals first, is `[from, to)` of the module. */
export interface WasmFunction {
  /** Among all functions, imported ones first. */
  index: number;
  from: number;
  to: number;
}

const FUNCTION = 0;
const MEMORY_OR_TABLE_LIMITS: Record<number, boolean> = { 1: true, 2: true };

/** The module's own functions in their order. */
export function functionsOf(module: Uint8Array): WasmFunction[] {
  const sections = sectionsOf(module);
  const imports = sections.find(({ id }) => id === SectionId.IMPORT);
  const code = sections.find(({ id }) => id === SectionId.CODE);
  if (!code) return [];
  const first = imports ? importedFunctions(new WasmReader(module, imports.from)) : 0;
  const reader = new WasmReader(module, code.from);
  return Array.from({ length: reader.u32() }, (_, i) => {
    const size = reader.u32();
    const from = reader.at;
    reader.at += size;
    return { index: first + i, from, to: reader.at };
  });
}

function importedFunctions(reader: WasmReader): number {
  let count = 0;
  for (let left = reader.u32(); left > 0; left--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === FUNCTION) {
      reader.skipNumber();
      count++;
    } else if (MEMORY_OR_TABLE_LIMITS[kind]) {
      if (kind === 1) reader.byte();
      const bounded = reader.byte() & 1;
      for (let numbers = bounded ? 2 : 1; numbers > 0; numbers--) reader.skipNumber();
    } else reader.at += 2;
  }
  return count;
}

/** Functions that a module exports, by name: their indexes. */
export function exportedFunctions(module: Uint8Array): Map<string, number> {
  const exports = sectionsOf(module).find(({ id }) => id === SectionId.EXPORT);
  const found = new Map<string, number>();
  if (!exports) return found;
  const reader = new WasmReader(module, exports.from);
  for (let left = reader.u32(); left > 0; left--) {
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.u32();
    if (kind === FUNCTION) found.set(name, index);
  }
  return found;
}

const FUNCTION_NAMES = 1;

/** Names of functions by index, from the custom section `name` (specification, appendix 7.4). */
export function functionNames(module: Uint8Array): Map<number, string> {
  const names = new Map<number, string>();
  const section = sectionsOf(module).find(({ name }) => name === "name");
  if (!section) return names;
  const reader = new WasmReader(module, section.from);
  while (reader.at < section.to) {
    const id = reader.byte();
    const end = reader.u32() + reader.at;
    if (id === FUNCTION_NAMES)
      for (let left = reader.u32(); left > 0; left--) names.set(reader.u32(), reader.text());
    reader.at = end;
  }
  return names;
}
