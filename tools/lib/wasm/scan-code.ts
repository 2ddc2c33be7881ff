import type { WasmReader } from "./binary.ts";
import { Op, skipImmediates } from "./instructions.ts";

/** A loop: its code, without the head, is `[from, to)` of the module. */
export interface Loop {
  from: number;
  to: number;
  /** Instructions of a turn, but for those of loops in it. */
  weight: number;
  /** Whether it calls, other than to trap. */
  calls: boolean;
}

interface ScannedCode {
  loops: Loop[];
  /** Where the function returns, and how many blocks are open there. */
  returns: { at: number; depth: number }[];
  /** Instructions outside of loops. */
  straight: number;
}

/** Reads a function's code, from behind its locals up to `to`. */
export function scanCode(reader: WasmReader, to: number): ScannedCode {
  const found: ScannedCode = { loops: [], returns: [], straight: 0 };
  const whole: Loop = { from: reader.at, to, weight: 0, calls: false };
  /** For each open block the loop that it is in. */
  const open: { loop: Loop; isLoop: boolean }[] = [];
  while (reader.at < to) {
    const at = reader.at;
    const op = reader.byte();
    skipImmediates(reader, op);
    const around = open.at(-1)?.loop ?? whole;
    around.weight++;
    if (op === Op.LOOP) {
      const loop = { from: reader.at, to, weight: 0, calls: false };
      found.loops.push(loop);
      open.push({ loop, isLoop: true });
    } else if (op === Op.BLOCK || op === Op.IF) open.push({ loop: around, isLoop: false });
    else if (op === Op.END) {
      const closed = open.pop();
      if (closed?.isLoop) closed.loop.to = at;
    } else if (op === Op.RETURN) found.returns.push({ at, depth: open.length });
    else if (op === Op.CALL || op === Op.CALL_INDIRECT)
      around.calls ||= reader.bytes[reader.at] !== Op.UNREACHABLE;
  }
  for (const loop of found.loops)
    loop.calls ||= found.loops.some(({ from, calls }) => calls && from > loop.from && from < loop.to);
  found.straight = whole.weight;
  return found;
}
