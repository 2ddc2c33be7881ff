import type { Frame, Places } from "./places.ts";

/** Envoy's form of a frame: `  0:  0x1a2b - function`. */
const ENVOY_FRAME = /^\s*\d+:\s+(0x[0-9a-f]+) - (\S+)$/;
/** V8's in Node: `    at function (wasm://wasm/0123abcd:wasm-function[3]:0x1a2b)`. */
const NODE_FRAME = /^\s*at (?:(\S+) \()?wasm:\/\/wasm\/\w+:wasm-function\[\d+\]:(0x[0-9a-f]+)\)?$/;
/** What a failed check of the language says: `Index out of range at ~lib/array.ts:114:42`. */
const CHECK = / at (\S+\.ts):(\d+:\d+)$/;
/** A callback of the host: each backtrace ends in one. */
const CALLBACK = /\/proxy_on_\w+$/;
/** What allocates memory traps where there is none left. */
const ALLOCATOR = /^~lib\/rt\//;

/** The line before the frames of a trap for want of memory. */
export const NO_MEMORY = "  no memory is left: a module may have as much as it was built with";

/** Puts the author's own file and line into a log that has backtraces of a module, line by line. */
export class Backtrace {
  private readonly places: Places;
  private begun = false;
  private tellsOwn = false;
  private last: string | undefined;

  constructor(places: Places) {
    this.places = places;
  }

  /** @returns the line to show; undefined for a frame of what the author has not written, or one again */
  line(text: string): string | undefined {
    const frame = this.frame(text);
    if (!frame) {
      if (!ENVOY_FRAME.test(text)) this.end();
      return this.checked(text);
    }
    const shown = this.shown(frame);
    if (CALLBACK.test(frame.function)) this.end();
    return shown;
  }

  private shown(frame: Frame): string | undefined {
    const first = !this.begun;
    this.begun = true;
    const noMemory = first && ALLOCATOR.test(frame.function) ? NO_MEMORY : "";
    if (frame.place === undefined) {
      // A trap of no one's own code is better told by that code than not at all.
      const ends = CALLBACK.test(frame.function) && !this.tellsOwn;
      return ends ? `  at ${frame.function}` : noMemory || undefined;
    }
    this.tellsOwn = true;
    const line = `  at ${shortName(frame.function)} (${frame.place})`;
    if (line === this.last) return undefined;
    this.last = line;
    return noMemory === "" ? line : `${noMemory}\n${line}`;
  }

  private frame(text: string): Frame | undefined {
    const [, envoyOffset, envoyName] = ENVOY_FRAME.exec(text) ?? [];
    const [, nodeName, nodeOffset] = NODE_FRAME.exec(text) ?? [];
    const offset = envoyOffset ?? nodeOffset;
    return offset === undefined ? undefined : this.places.frameAt(Number(offset), envoyName ?? nodeName);
  }

  /** The place that a failed check names is the author's, or the backtrace tells it. */
  private checked(text: string): string {
    return text.replace(CHECK, (all, file: string, position: string) => {
      const place = this.places.ownPlace(file, position);
      if (place !== undefined) return ` at ${place}`;
      return file.startsWith("~lib/") ? "" : all;
    });
  }

  private end(): void {
    this.begun = false;
    this.tellsOwn = false;
    this.last = undefined;
  }
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
