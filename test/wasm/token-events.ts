/** What reads the usage of language models' answers, without the stages around it. */
import "../../filters/sdk/host/abort";
import { EventGate, EventKeeper } from "../../filters/model-protocol/event-gate";
import { EventLines } from "../../filters/model-protocol/event-lines";
import { appendWithoutNull, bringsToken, isUsageAlone } from "../../filters/model-protocol/event-members";
import { TokenUsage } from "../../filters/model-protocol/token-usage";
import { ByteBuffer } from "../../filters/sdk/bytes/byte-buffer";

const usage: TokenUsage = new TokenUsage();
const lines: EventLines = new EventLines();
const gate: EventGate = new EventGate();
const out: ByteBuffer = new ByteBuffer();
let pieces: i32 = 0;

/** Keeps back what the caller of a stream did not ask for. */
class Keeper extends EventKeeper {
  keep(event: ByteBuffer, out: ByteBuffer): bool {
    if (isUsageAlone(event)) return true;
    if (bringsToken(event)) pieces++;
    appendWithoutNull(event, out);
    return true;
  }
}

const keeper: Keeper = new Keeper();

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** Begins another answer. */
export function reset(): void {
  usage.reset();
  lines.reset();
  gate.reset();
  pieces = 0;
}

/** The next bytes of an event stream. */
export function addEvents(ptr: usize, len: i32): void {
  lines.add(ptr, len, usage);
}

/** The next bytes of an answer that is one JSON text. */
export function addJson(ptr: usize, len: i32): void {
  usage.add(ptr, len);
}

export function events(): i32 {
  return lines.events;
}

/** What is known by now: input, output, cached, reasoning; -1 for all when nothing is. */
export function tokens(kind: i32): f64 {
  if (!usage.known) return -1;
  if (kind == 0) return <f64>usage.input;
  if (kind == 1) return <f64>usage.output;
  return <f64>(kind == 2 ? usage.cached : usage.reasoning);
}

/** Hides the usage in the next bytes of a stream. @returns how many bytes go on; they are at `passed` */
export function hide(ptr: usize, len: i32): i32 {
  out.clear();
  gate.add(ptr, len, out, keeper);
  return out.len;
}

/** The stream is over. @returns as `hide` */
export function flush(): i32 {
  out.clear();
  gate.flush(out);
  return out.len;
}

/** Events that went on with a piece of the answer. */
export function pieceCount(): i32 {
  return pieces;
}

export function passed(): usize {
  return out.ptr;
}
