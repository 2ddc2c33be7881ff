import type { FilterExports } from "./filter-exports.ts";
import type { HeaderList } from "./header-pairs.ts";
import type { HostProcess } from "./process.ts";
import { OK } from "./status.ts";
import type { Stream } from "./stream.ts";

/** A function that the host gives to a filter. */
export type HostCall = (...values: number[]) => number;

/** An HTTP request that the filter made. */
export interface Callout {
  token: number;
  cluster: string;
  headers: HeaderList;
  body: string;
  bodyBytes: Uint8Array;
  timeoutMs: number;
}

/** What the host calls of one VM work on: its memory, and what host and filter have told each other. */
export class VmState {
  readonly process: HostProcess;
  /** There as soon as the module has an instance. */
  exports!: FilterExports;
  readonly logs: string[] = [];
  /** Names of the host calls since the list was last emptied. */
  readonly calls: string[] = [];
  /** The stream whose turn it is. */
  stream: Stream | undefined;
  readonly streams = new Map<number, Stream>();
  /** How bytes of headers, properties and replies are strings here; in latin1 any bytes are. */
  encoding: "utf8" | "latin1" = "utf8";
  configuration = new Uint8Array();
  /** HTTP callouts that got no reply yet. */
  readonly callouts: Callout[] = [];
  /** What the callout got that is being answered. */
  calloutReply: { status: number; body: Uint8Array; trailers: HeaderList } | undefined;
  /** As the filter asked last. */
  tickPeriodMs = 0;

  constructor(process: HostProcess) {
    this.process = process;
  }

  /** The stream that a call is about; calls of plug-ins without one are made for none. */
  get current(): Stream {
    return this.stream as Stream;
  }

  bytes(ptr: number, size: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, ptr, size).slice();
  }

  text(ptr: number, size: number): string {
    return Buffer.from(this.exports.memory.buffer, ptr, size).toString(this.encoding);
  }

  encode(text: string): Uint8Array {
    return Buffer.from(text, this.encoding);
  }

  setWord(ptr: number, value: number): void {
    new DataView(this.exports.memory.buffer).setUint32(ptr, value, true);
  }

  /** Hands bytes to the filter in memory that it allocates. */
  give(value: Uint8Array, ptrOut: number, sizeOut: number): number {
    const ptr = value.length > 0 ? this.exports.proxy_on_memory_allocate(value.length) : 0;
    new Uint8Array(this.exports.memory.buffer).set(value, ptr);
    this.setWord(ptrOut, ptr);
    this.setWord(sizeOut, value.length);
    return OK;
  }
}
