import { readFileSync } from "node:fs";
import type { FilterExports } from "./filter-exports.ts";
import type { HeaderList } from "./header-pairs.ts";
import { hostImports } from "./imports.ts";
import { HostProcess } from "./process.ts";
import { CONTINUE, Stream } from "./stream.ts";
import { VmState } from "./vm-state.ts";

/**
 * One worker's VM with one plug-in, in a proxy-wasm 0.2.1 host in Node, for fast tests of filters: real
 * WebAssembly, and host functions that keep to what Envoy does. It knows one stream at a time a plug-in; the
 * truth about Envoy is told by the tests against Envoy.
 */
export class Vm extends VmState {
  private nextId = 2;

  constructor(modulePath: string, process = new HostProcess()) {
    super(process);
    const module = new WebAssembly.Module(readFileSync(modulePath));
    this.exports = new WebAssembly.Instance(module, hostImports(this)).exports as unknown as FilterExports;
    this.exports._initialize();
    this.exports.proxy_on_context_create(1, 0);
    this.exports.proxy_on_vm_start(1, 0);
  }

  /** @returns whether the plug-in with this root context took its configuration; `logs` says why not. */
  configure(configuration: object | string, rootId = 1): boolean {
    const text = typeof configuration === "string" ? configuration : JSON.stringify(configuration);
    return this.configureBytes(new TextEncoder().encode(text), rootId);
  }

  /** As `configure`, of bytes that need not be text. */
  configureBytes(configuration: Uint8Array<ArrayBuffer>, rootId = 1): boolean {
    this.configuration = configuration;
    return this.exports.proxy_on_configure(rootId, configuration.length) === 1;
  }

  /**
   * Starts a stream and runs its request headers through the filter.
   * @param filterState what filters before this one left
   */
  open(
    headers: Record<string, string> | HeaderList,
    endOfStream = false,
    filterState: Record<string, string> = {},
  ): Stream {
    const list = Array.isArray(headers) ? headers : Object.entries(headers);
    const stream = new Stream(this, this.nextId++, list);
    for (const [name, value] of Object.entries(filterState)) stream.filterState.set(name, value);
    this.stream = stream;
    this.streams.set(stream.id, stream);
    this.exports.proxy_on_context_create(stream.id, 1);
    stream.action =
      this.exports.proxy_on_request_headers?.(stream.id, list.length, Number(endOfStream)) ?? CONTINUE;
    return stream;
  }

  /** Lets the filter's timer fire. */
  tick(): void {
    this.exports.proxy_on_tick(1);
    this.stream = undefined;
  }

  /** Answers the oldest callout; status 0: no reply came. */
  answerCallout(status: number, body: Uint8Array | string = "", trailers: HeaderList = []): void {
    const callout = this.callouts.shift();
    if (!callout) throw new Error("the filter made no callout");
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    this.calloutReply = { status, body: bytes, trailers };
    const headers = status === 0 ? 0 : 1;
    this.exports.proxy_on_http_call_response?.(1, callout.token, headers, this.calloutReply.body.length, 0);
    this.calloutReply = undefined;
  }

  /** Forgets a stream that is over. */
  forget(stream: Stream): void {
    this.streams.delete(stream.id);
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }
}
