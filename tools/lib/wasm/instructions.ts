import type { WasmReader } from "./binary.ts";

/** Operation codes that are told apart here (WebAssembly core specification, 5.4). */
export const Op = {
  UNREACHABLE: 0x00,
  BLOCK: 0x02,
  LOOP: 0x03,
  IF: 0x04,
  END: 0x0b,
  BR: 0x0c,
  RETURN: 0x0f,
  CALL: 0x10,
  CALL_INDIRECT: 0x11,
  LOCAL_GET: 0x20,
  LOCAL_SET: 0x21,
  LOCAL_TEE: 0x22,
  I32_CONST: 0x41,
  I64_CONST: 0x42,
  I32_GT_U: 0x4b,
  I32_ADD: 0x6a,
} as const;

const BR_TABLE = 0x0e;
const SELECT_TYPED = 0x1c;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const BULK = 0xfc;
const SIMD = 0xfd;
/** A memory argument whose alignment has this bit names its memory too. */
const NAMES_MEMORY = 0x40;

/** Numbers that stand behind an operation code of one byte; those that are not listed take none. */
function numbersBehind(op: number): number {
  if (op === Op.CALL_INDIRECT) return 2;
  if (op >= Op.BLOCK && op <= Op.IF) return 1;
  if (op === Op.BR || op === Op.BR + 1 || op === Op.CALL) return 1;
  if (op >= 0x20 && op <= 0x26) return 1;
  if (op >= 0x3f && op <= Op.I64_CONST) return 1;
  return op === 0xd0 || op === 0xd2 ? 1 : 0;
}

/** Passes what stands behind an operation code. @throws Error for an instruction that is not known */
export function skipImmediates(reader: WasmReader, op: number): void {
  if (op === BULK) skipBulk(reader);
  else if (op === SIMD) skipSimd(reader);
  else if (op >= 0x28 && op <= 0x3e) skipMemoryArgument(reader);
  else if (op === BR_TABLE) for (let left = reader.u32() + 1; left > 0; left--) reader.skipNumber();
  else if (op === SELECT_TYPED) for (let left = reader.u32(); left > 0; left--) reader.byte();
  else if (op === F32_CONST) reader.at += 4;
  else if (op === F64_CONST) reader.at += 8;
  else if (isPlain(op)) for (let left = numbersBehind(op); left > 0; left--) reader.skipNumber();
  else throw new Error(`the module has an unknown instruction, 0x${op.toString(16)}`);
}

function isPlain(op: number): boolean {
  if (op <= Op.CALL_INDIRECT) return op <= 0x05 || op >= Op.END;
  if (op <= 0x1b) return op >= 0x1a;
  return (op >= 0x20 && op <= 0x26) || (op >= 0x3f && op <= 0xc4) || (op >= 0xd0 && op <= 0xd2);
}

function skipMemoryArgument(reader: WasmReader): void {
  if (reader.u32() & NAMES_MEMORY) reader.skipNumber();
  reader.skipNumber();
}

/** Conversions that saturate, and work on memories and tables as a whole. */
function skipBulk(reader: WasmReader): void {
  const op = reader.u32();
  if (op <= 7) return;
  if (op > 17) throw new Error(`the module has an unknown instruction, 0xfc ${op}`);
  const takesTwo = op === 8 || op === 10 || op === 12 || op === 14;
  for (let left = takesTwo ? 2 : 1; left > 0; left--) reader.skipNumber();
}

function skipSimd(reader: WasmReader): void {
  const op = reader.u32();
  if (op <= 11 || op === 92 || op === 93) skipMemoryArgument(reader);
  else if (op === 12 || op === 13) reader.at += 16;
  else if (op >= 21 && op <= 34) reader.at += 1;
  else if (op >= 84 && op <= 91) {
    skipMemoryArgument(reader);
    reader.at += 1;
  }
}
