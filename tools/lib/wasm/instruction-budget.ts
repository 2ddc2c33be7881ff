import { SectionId, section, sectionsOf, signed, unsigned, WasmReader, type WasmSection } from "./binary.ts";
import { recursiveFunctions } from "./call-graph.ts";
import { exportedFunctions, functionNames, functionsOf, type WasmFunction } from "./functions.ts";
import { Op } from "./instructions.ts";
import { type Loop, scanCode } from "./scan-code.ts";
import { blockTypes } from "./types.ts";

/** As in filters/sdk/host/budget.ts. */
const SPEND = "modelgate_spend";
const CHECK = "modelgate_check";
const REFILL = "modelgate_refill";
/** What a loop counts before it checks: one that calls others, which may take long, checks more often. */
const COUNTED_ALONE = 1 << 20;
const COUNTED_WITH_CALLS = 1 << 14;
const I32 = 0x7f;
const NO_VALUE = 0x40;
/** The host calls it from within a callback. */
const WITHIN_CALLBACK = "proxy_on_memory_allocate";

/** Which instructions are the developer's. */
interface Ownership {
  /** Whether a function of this name is. */
  function(name: string): boolean;
  /** Whether some of `[from, to)` are; undefined where nothing is known of them. */
  code(from: number, to: number): boolean | undefined;
}

/** Bytes that stand in the module from here on instead of `[from, to)` of it. */
interface Edit {
  from: number;
  to: number;
  bytes: number[];
}

interface Budgeted {
  module: Uint8Array;
  /** Where an instruction of the module before lies in this one. */
  moved: (offset: number) => number;
}

/**
 * Gives every callback of a module a budget of instructions: what never ends, ends in a trap. Each loop of
 * the developer's counts the instructions of a turn in a local of its function and checks now and then, and
 * each function of the developer's that has such loops or calls itself spends what it counted as it ends.
 * The SDK's own loops end. A module that lacks the functions of filters/sdk/host/budget.ts stays as it is.
 */
export function withInstructionBudget(module: Uint8Array, instructions: number, own: Ownership): Budgeted {
  const exported = exportedFunctions(module);
  const [spend, check, refill] = [SPEND, CHECK, REFILL].map((name) => exported.get(name));
  if (spend === undefined || check === undefined || refill === undefined)
    return { module, moved: (offset) => offset };
  const types = blockTypes(module);
  const names = functionNames(module);
  const functions = functionsOf(module);
  const recursive = recursiveFunctions(module, functions);
  const callbacks = new Set(
    [...exported].flatMap(([name, index]) =>
      name.startsWith("proxy_on_") && name !== WITHIN_CALLBACK ? [index] : [],
    ),
  );
  const start = [Op.I64_CONST, ...signed(BigInt(instructions)), Op.CALL, ...unsigned(refill)];
  const edits = functions.flatMap((each) => {
    const isOwn = own.function(names.get(each.index) ?? "");
    return editsOf(module, each, {
      type: types.get(each.index) ?? { parameters: 0, result: NO_VALUE },
      ...{ spend, check },
      recursive: isOwn && recursive.has(each.index),
      owns: ({ from, to }) => own.code(from, to) ?? isOwn,
      start: callbacks.has(each.index) ? start : [],
    });
  });
  return rewritten(module, functions, edits);
}

interface Instrumentation {
  type: { parameters: number; result: number };
  spend: number;
  check: number;
  recursive: boolean;
  owns: (loop: Loop) => boolean;
  /** Instructions to begin with. */
  start: number[];
}

/**
 * What changes in one function; nothing in one that has no such loop, is not recursive, and is no callback.
 */
function editsOf(module: Uint8Array, { from, to }: WasmFunction, how: Instrumentation): Edit[] {
  const reader = new WasmReader(module, from);
  let locals = how.type.parameters;
  const groups = reader.u32();
  const afterCount = reader.at;
  for (let left = groups; left > 0; left--) {
    locals += reader.u32();
    reader.byte();
  }
  const code = reader.at;
  const scanned = scanCode(reader, to);
  const loops = scanned.loops.filter(how.owns);
  if (loops.length === 0 && !how.recursive)
    return how.start.length > 0 ? [{ from: code, to: code, bytes: how.start }] : [];
  const counter = unsigned(locals);
  const straight = signed(BigInt(scanned.straight));
  const first = how.recursive ? [Op.I32_CONST, ...straight, Op.LOCAL_SET, ...counter] : [];
  return [
    { from, to: afterCount, bytes: unsigned(groups + 1) },
    { from: code, to: code, bytes: [1, I32, ...how.start, ...first, Op.BLOCK, how.type.result] },
    ...loops.map((loop) => ({ from: loop.from, to: loop.from, bytes: turn(counter, loop, how.check) })),
    ...scanned.returns.map(({ at, depth }) => ({
      ...{ from: at, to: at + 1 },
      bytes: [Op.BR, ...unsigned(depth)],
    })),
    { from: to, to, bytes: [Op.LOCAL_GET, ...counter, Op.CALL, ...unsigned(how.spend), Op.END] },
  ].sort((a, b) => a.from - b.from);
}

/** At the head of a loop: counts a turn, and now and then checks. */
function turn(counter: number[], { weight, calls }: Loop, check: number): number[] {
  const most = signed(BigInt(calls ? COUNTED_WITH_CALLS : COUNTED_ALONE));
  return [
    ...[Op.LOCAL_GET, ...counter, Op.I32_CONST, ...signed(BigInt(weight)), Op.I32_ADD],
    ...[Op.LOCAL_TEE, ...counter, Op.I32_CONST, ...most, Op.I32_GT_U, Op.IF, NO_VALUE],
    ...[Op.LOCAL_GET, ...counter, Op.CALL, ...unsigned(check), Op.I32_CONST, 0, Op.LOCAL_SET, ...counter],
    Op.END,
  ];
}

/** The module with its code edited. */
function rewritten(module: Uint8Array, functions: WasmFunction[], edits: Edit[]): Budgeted {
  const code = sectionsOf(module).find(({ id }) => id === SectionId.CODE) as WasmSection;
  const head = unsigned(functions.length);
  const bodies: Uint8Array[] = [Buffer.from(head)];
  /** Of each piece that stays: where it lay, and where it lies in the section's content. */
  const pieces: { from: number; at: number }[] = [];
  let size = head.length;
  let next = 0;
  for (const { from, to } of functions) {
    const body: Uint8Array[] = [];
    const kept: { from: number; at: number }[] = [];
    let length = 0;
    let done = from;
    const put = (bytes: Uint8Array) => {
      body.push(bytes);
      length += bytes.length;
    };
    for (; (edits[next]?.from ?? Number.POSITIVE_INFINITY) <= to; next++) {
      const edit = edits[next] as Edit;
      kept.push({ from: done, at: length });
      put(module.subarray(done, edit.from));
      put(Buffer.from(edit.bytes));
      done = edit.to;
    }
    kept.push({ from: done, at: length });
    put(module.subarray(done, to));
    const prefix = unsigned(length);
    size += prefix.length;
    pieces.push(...kept.map(({ from, at }) => ({ from, at: size + at })));
    size += length;
    bodies.push(Buffer.from(prefix), ...body);
  }
  const whole = section(SectionId.CODE, Buffer.concat(bodies));
  const before = startOf(module, code);
  const content = before + whole.length - size;
  return {
    module: Buffer.concat([module.subarray(0, before), whole, module.subarray(code.to)]),
    moved: (offset) => {
      const piece = pieces.findLast(({ from }) => from <= offset);
      return piece === undefined ? offset : content + piece.at + offset - piece.from;
    },
  };
}

/** Where a section's number stands: before its size. */
function startOf(module: Uint8Array, { from, to }: WasmSection): number {
  const size = unsigned(to - from).length;
  // A writer may have left room for a larger size than it needed.
  for (let bytes = size; bytes <= 5; bytes++) {
    const at = from - bytes - 1;
    if (module[at] === SectionId.CODE && new WasmReader(module, at + 1).u32() === to - from) return at;
  }
  throw new Error("the module's code section has no size");
}
