import { Backtrace, NO_MEMORY } from "./backtrace.ts";
import type { Places } from "./places.ts";

/** A module stopped: the message says why and where, the stack is that of the module's author. */
export class TrapError extends Error {
  override readonly name = "TrapError";
}

/** What stands between the module and who called it. */
const OF_THE_HOST = /\/tools\/(?:lib|local)\//;
/** Frames to keep of a stack: most of them are of the module and of its host. */
const KEPT_FRAMES = 50;

/**
 * Runs what calls a module in Node's WebAssembly.
 * @param logs what the module has logged, each line behind the number of its level
 * @throws TrapError for a trap, with the frames that the author wrote
 */
export function trapping<T>(places: Places, logs: readonly string[], call: () => T): T {
  const logged = logs.length;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = KEPT_FRAMES;
  try {
    return call();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    throw trapOf(error, places, logs.slice(logged));
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function trapOf(error: Error, places: Places, logged: string[]): TrapError {
  const backtrace = new Backtrace(places);
  const lines = (error.stack ?? "").split("\n").slice(1);
  const frames = lines.flatMap((line) => backtrace.line(line)?.split("\n") ?? []);
  const said = logged.map((line) => backtrace.line(line.replace(/^\d+ /, "")) ?? "").at(-1);
  const noMemory = frames.includes(NO_MEMORY) ? NO_MEMORY.trim() : undefined;
  const why = said ?? noMemory ?? error.message;
  const [, place] = frames.map((frame) => OWN_FRAME.exec(frame)).find((match) => match) ?? [];
  const trap = new TrapError(place === undefined || PLACED.test(why) ? why : `${why} at ${place}`);
  // A recursion's own stack ends before it comes to who called.
  const callers = (trap.stack ?? "").split("\n").filter((frame) => NODE_FRAME.test(frame));
  const kept = [...frames.filter((frame) => OWN_FRAME.test(frame)), ...callers];
  trap.stack = [`${trap.name}: ${trap.message}`, ...kept.filter((frame) => !OF_THE_HOST.test(frame))].join(
    "\n",
  );
  return trap;
}

const NODE_FRAME = /^ {4}at /;
/** A frame of `Backtrace`, which the author wrote. */
const OWN_FRAME = /^ {2}at \S+ \((\S+:\d+:\d+)\)$/;
/** Says where by itself. */
const PLACED = / at \S+:\d+:\d+$/;
