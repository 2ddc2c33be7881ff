import { SectionId, sectionsOf, WasmReader } from "./binary.ts";
import type { WasmFunction } from "./functions.ts";
import { Op, skipImmediates } from "./instructions.ts";

/**
 * Functions, by index, that may come to call themselves. A call through a table may be one of any function
 * there.
 */
export function recursiveFunctions(module: Uint8Array, functions: readonly WasmFunction[]): Set<number> {
  const inTables = tableFunctions(module);
  const calls = new Map(functions.map((each) => [each.index, callsOf(module, each, inTables)]));
  return new Set(functions.map(({ index }) => index).filter((index) => reaches(calls, index)));
}

function reaches(calls: Map<number, Set<number>>, index: number): boolean {
  const seen = new Set<number>();
  const left = [...(calls.get(index) ?? [])];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === index) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    left.push(...(calls.get(next) ?? []));
  }
  return false;
}

function callsOf(module: Uint8Array, { from, to }: WasmFunction, inTables: Set<number>): Set<number> {
  const reader = new WasmReader(module, from);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.byte();
  }
  const called = new Set<number>();
  while (reader.at < to) {
    const op = reader.byte();
    if (op === Op.CALL) {
      const callee = reader.u32();
      // What ends in a trap calls once: stacks of such calls are no deeper than the stack.
      if (module[reader.at] !== Op.UNREACHABLE) called.add(callee);
    } else {
      if (op === Op.CALL_INDIRECT) for (const index of inTables) called.add(index);
      skipImmediates(reader, op);
    }
  }
  return called;
}

/** Functions of active element segments of the first table: the form that AssemblyScript writes. */
function tableFunctions(module: Uint8Array): Set<number> {
  const found = new Set<number>();
  const elements = sectionsOf(module).find(({ id }) => id === SectionId.ELEMENT);
  if (!elements) return found;
  const reader = new WasmReader(module, elements.from);
  for (let segments = reader.u32(); segments > 0; segments--) {
    if (reader.u32() !== 0) throw new Error("the module has an element segment of an unknown form");
    for (let op = reader.byte(); op !== Op.END; op = reader.byte()) skipImmediates(reader, op);
    for (let left = reader.u32(); left > 0; left--) found.add(reader.u32());
  }
  return found;
}
