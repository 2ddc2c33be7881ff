import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { verifySignature } from "./verify-signature.ts";

/**
 * A proxy-wasm 0.2.1 host in Node, for fast tests of filters: real WebAssembly, and host functions that keep
 * to what Envoy does. It knows one stream at a time a plug-in; the truth about Envoy is told by the tests
 * against Envoy.
 */

const OK = 0;
const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const EMPTY = 7;
const CAS_MISMATCH = 8;

/** Actions that a filter returns for headers or a body chunk. */
export const CONTINUE = 0;
const STOP_AND_BUFFER = 1;

export type HeaderList = [name: string, value: string][];

interface LocalReply {
  status: number;
  details: string;
  body: string;
  headers: HeaderList;
  grpcStatus: number;
}

/** An HTTP request that the filter made. */
export interface Callout {
  token: number;
  cluster: string;
  headers: HeaderList;
  body: string;
  bodyBytes: Uint8Array;
  /** Milliseconds. */
  timeout: number;
}

/** What the VMs of one Envoy process share, and the clock they see. */
export class HostProcess {
  readonly sharedData = new Map<string, { value: Uint8Array; cas: number }>();
  /** Nanoseconds of the monotonic clock; tests move it. */
  now = 1_000_000_000_000n;
  /** Nanoseconds since 1970. */
  wall = BigInt(Date.now()) * 1_000_000n;
  /** Of the process itself, by path with NUL between its parts: `xds\0node\0id`. */
  readonly properties = new Map<string, string>();
  /** Shared queues by name; the host's number of one is its place here. */
  readonly queues = new Map<string, Uint8Array[]>();
  /** Counters by name. */
  readonly counters = new Map<string, number>();
  readonly metricNames: string[] = [];
  private lastCas = 0;

  setShared(key: string, value: Uint8Array, cas: number): number {
    const held = this.sharedData.get(key);
    if (held && cas !== 0 && held.cas !== cas) return CAS_MISMATCH;
    this.sharedData.set(key, { value, cas: ++this.lastCas });
    return OK;
  }
}

interface FilterExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  proxy_on_memory_allocate(size: number): number;
  proxy_on_context_create(id: number, rootId: number): void;
  proxy_on_vm_start(rootId: number, size: number): number;
  proxy_on_configure(rootId: number, size: number): number;
  proxy_on_tick(rootId: number): void;
  proxy_on_http_call_response?(
    root: number,
    token: number,
    headers: number,
    body: number,
    trailers: number,
  ): void;
  proxy_on_request_headers?(id: number, count: number, end: number): number;
  proxy_on_request_body?(id: number, size: number, end: number): number;
  proxy_on_response_headers?(id: number, count: number, end: number): number;
  proxy_on_response_body?(id: number, size: number, end: number): number;
  proxy_on_request_trailers?(id: number, count: number): number;
  proxy_on_response_trailers?(id: number, count: number): number;
  proxy_on_log?(id: number): void;
  proxy_on_delete(id: number): void;
}

/** One worker's VM with one plug-in. */
export class Vm {
  readonly logs: string[] = [];
  /** Names of the host calls since the list was last emptied. */
  readonly calls: string[] = [];
  readonly process: HostProcess;
  readonly exports: FilterExports;
  stream: Stream | undefined;
  /** How bytes of headers, properties and replies are strings here; in latin1 any bytes are. */
  encoding: "utf8" | "latin1" = "utf8";
  /** HTTP callouts that got no reply yet. */
  readonly callouts: Callout[] = [];
  /** Milliseconds, as the filter asked last. */
  tickPeriod = 0;
  private readonly streams = new Map<number, Stream>();
  private reply: { status: number; body: Uint8Array } | undefined;
  private configuration = new Uint8Array();
  private nextId = 2;
  private nextToken = 1;

  constructor(modulePath: string, process = new HostProcess()) {
    this.process = process;
    const module = new WebAssembly.Module(readFileSync(modulePath));
    this.exports = new WebAssembly.Instance(module, this.imports()).exports as unknown as FilterExports;
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
  answerCallout(status: number, body: Uint8Array | string = ""): void {
    const callout = this.callouts.shift();
    if (!callout) throw new Error("the filter made no callout");
    this.reply = { status, body: typeof body === "string" ? new TextEncoder().encode(body) : body };
    const headers = status === 0 ? 0 : 1;
    this.exports.proxy_on_http_call_response?.(1, callout.token, headers, this.reply.body.length, 0);
    this.reply = undefined;
  }

  /** Forgets a stream that is over. */
  forget(stream: Stream): void {
    this.streams.delete(stream.id);
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  private bytes(ptr: number, size: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, ptr, size).slice();
  }

  private text(ptr: number, size: number): string {
    return Buffer.from(this.exports.memory.buffer, ptr, size).toString(this.encoding);
  }

  private word(ptr: number, value: number): void {
    new DataView(this.exports.memory.buffer).setUint32(ptr, value, true);
  }

  /** Hands bytes to the filter in memory that it allocates. */
  private give(value: Uint8Array, ptrOut: number, sizeOut: number): number {
    const ptr = value.length > 0 ? this.exports.proxy_on_memory_allocate(value.length) : 0;
    new Uint8Array(this.exports.memory.buffer).set(value, ptr);
    this.word(ptrOut, ptr);
    this.word(sizeOut, value.length);
    return OK;
  }

  private imports(): WebAssembly.Imports {
    const encode = (text: string) => Buffer.from(text, this.encoding);
    const stream = () => this.stream as Stream;
    const functions: Record<string, (...values: number[]) => number> = {
      proxy_log: (level, ptr, size) => {
        this.logs.push(`${level} ${this.text(ptr as number, size as number)}`);
        return OK;
      },
      proxy_get_buffer_bytes: (type, start, length, ptrOut, sizeOut) => {
        const buffer =
          type === 7 ? this.configuration : type === 4 ? this.reply?.body : (stream().body as Uint8Array);
        if (!buffer) return NOT_FOUND;
        const part = buffer.subarray(start, (start as number) + (length as number));
        return part.length === 0 ? NOT_FOUND : this.give(part, ptrOut as number, sizeOut as number);
      },
      proxy_set_buffer_bytes: (_type, start, length, ptr, size) =>
        stream().editBody(
          start as number,
          (length as number) >>> 0,
          this.bytes(ptr as number, size as number),
        ),
      proxy_get_header_map_pairs: (type, ptrOut, sizeOut) => {
        const map = stream().map(type as number);
        const pairs = map.length === 0 ? new Uint8Array() : serialise(map, this.encoding);
        return this.give(pairs, ptrOut as number, sizeOut as number);
      },
      proxy_get_header_map_value: (type, name, nameSize, ptrOut, sizeOut) => {
        const key = this.text(name as number, nameSize as number);
        if (type === 6) {
          return this.give(encode(String(this.reply?.status)), ptrOut as number, sizeOut as number);
        }
        const values = stream()
          .map(type as number)
          .filter(([header]) => header === key);
        const value = encode(values.map(([, each]) => each).join(","));
        return this.give(value, ptrOut as number, sizeOut as number);
      },
      proxy_replace_header_map_value: (type, name, nameSize, ptr, size) => {
        const key = this.text(name as number, nameSize as number);
        stream().remove(type as number, key);
        stream()
          .map(type as number)
          .push([key, this.text(ptr as number, size as number)]);
        return OK;
      },
      proxy_remove_header_map_value: (type, name, nameSize) => {
        stream().remove(type as number, this.text(name as number, nameSize as number));
        return OK;
      },
      proxy_get_property: (path, size, ptrOut, sizeOut) => {
        const name = this.text(path as number, size as number);
        const value =
          this.stream?.filterState.get(name) ??
          this.stream?.properties.get(name) ??
          this.process.properties.get(name);
        if (value === undefined) return NOT_FOUND;
        const bytes = typeof value === "bigint" ? littleEndian(value) : encode(value);
        return this.give(bytes, ptrOut as number, sizeOut as number);
      },
      proxy_set_property: (path, size, ptr, length) => {
        const name = this.text(path as number, size as number);
        stream().filterState.set(name, this.text(ptr as number, length as number));
        return OK;
      },
      proxy_get_shared_data: (key, size, ptrOut, sizeOut, casOut) => {
        const held = this.process.sharedData.get(this.text(key as number, size as number));
        if (!held) return NOT_FOUND;
        this.word(casOut as number, held.cas);
        return this.give(held.value, ptrOut as number, sizeOut as number);
      },
      proxy_set_shared_data: (key, size, ptr, length, cas) =>
        this.process.setShared(
          this.text(key as number, size as number),
          this.bytes(ptr as number, length as number),
          cas as number,
        ),
      proxy_send_local_response: (
        status,
        details,
        detailsSize,
        body,
        bodySize,
        pairs,
        pairsSize,
        grpcStatus,
      ) => {
        stream().reply = {
          status: status as number,
          details: this.text(details as number, detailsSize as number),
          body: this.text(body as number, bodySize as number),
          headers: parsePairs(this.bytes(pairs as number, pairsSize as number), this.encoding),
          grpcStatus: grpcStatus as number,
        };
        return OK;
      },
      proxy_set_tick_period_milliseconds: (period) => {
        this.tickPeriod = period as number;
        return OK;
      },
      proxy_set_effective_context: (id) => {
        const found = this.streams.get(id as number);
        if (!found) return BAD_ARGUMENT;
        this.stream = found;
        return OK;
      },
      proxy_continue_stream: () => {
        stream().action = CONTINUE;
        return OK;
      },
      proxy_register_shared_queue: (name, size, out) => {
        const { queues } = this.process;
        const key = this.text(name as number, size as number);
        if (!queues.has(key)) queues.set(key, []);
        this.word(out as number, [...queues.keys()].indexOf(key));
        return OK;
      },
      proxy_enqueue_shared_queue: (queue, ptr, size) => {
        [...this.process.queues.values()][queue as number]?.push(this.bytes(ptr as number, size as number));
        return OK;
      },
      proxy_dequeue_shared_queue: (queue, ptrOut, sizeOut) => {
        const value = [...this.process.queues.values()][queue as number]?.shift();
        return value ? this.give(value, ptrOut as number, sizeOut as number) : EMPTY;
      },
      proxy_define_metric: (_type, name, size, out) => {
        const key = this.text(name as number, size as number);
        const { metricNames } = this.process;
        if (!metricNames.includes(key)) metricNames.push(key);
        this.word(out as number, metricNames.indexOf(key));
        return OK;
      },
      proxy_record_metric: () => OK,
      proxy_get_metric: () => NOT_FOUND,
      proxy_http_call: (...values) => {
        const [cluster, clusterSize, pairs, pairsSize, body, bodySize, , , timeout, tokenOut] =
          values as number[];
        const token = this.nextToken++;
        this.callouts.push({
          token,
          cluster: this.text(cluster as number, clusterSize as number),
          headers: parsePairs(this.bytes(pairs as number, pairsSize as number), this.encoding),
          body: this.text(body as number, bodySize as number),
          bodyBytes: this.bytes(body as number, bodySize as number),
          timeout: timeout as number,
        });
        this.word(tokenOut as number, token);
        return OK;
      },
      proxy_call_foreign_function: (name, nameSize, args, size, ptrOut, sizeOut) => {
        if (this.text(name as number, nameSize as number) !== "verify_signature") return NOT_FOUND;
        const result = verifySignature(this.bytes(args as number, size as number));
        return result ? this.give(result, ptrOut as number, sizeOut as number) : BAD_ARGUMENT;
      },
    };
    const proxy_increment_metric = (id: number, amount: bigint): number => {
      this.calls.push("increment_metric");
      const name = this.process.metricNames[id] as string;
      this.process.counters.set(name, (this.process.counters.get(name) ?? 0) + Number(amount));
      return OK;
    };
    const recorded = Object.entries(functions).map(([name, run]) => [
      name,
      (...values: number[]) => {
        this.calls.push(name.replace("proxy_", ""));
        return run(...values);
      },
    ]);
    const clock_time_get = (id: number, _precision: bigint, out: number) => {
      this.calls.push("clock_time_get");
      const time = id === 1 ? this.process.now : this.process.wall;
      new DataView(this.exports.memory.buffer).setBigUint64(out, time, true);
      return OK;
    };
    const random_get = (buffer: number, size: number) => {
      randomFillSync(new Uint8Array(this.exports.memory.buffer, buffer, size));
      return OK;
    };
    const env = { ...Object.fromEntries(recorded), proxy_increment_metric };
    return { env, wasi_snapshot_preview1: { clock_time_get, random_get } };
  }
}

/** One HTTP stream through a filter. */
export class Stream {
  readonly requestHeaders: HeaderList;
  responseHeaders: HeaderList = [];
  responseTrailers: HeaderList = [];
  readonly filterState = new Map<string, string>();
  /** What Envoy knows, by path with NUL between its parts: `response\0code`. */
  readonly properties = new Map<string, string | bigint>();
  reply: LocalReply | undefined;
  /** The filter's last action. */
  action = CONTINUE;
  body: Uint8Array = new Uint8Array();
  readonly id: number;
  private readonly vm: Vm;

  constructor(vm: Vm, id: number, headers: HeaderList) {
    this.vm = vm;
    this.id = id;
    this.requestHeaders = headers;
  }

  map(type: number): HeaderList {
    if (type === 0) return this.requestHeaders;
    return type === 2 ? this.responseHeaders : type === 3 ? this.responseTrailers : [];
  }

  remove(type: number, name: string): void {
    const map = this.map(type);
    map.splice(0, map.length, ...map.filter(([header]) => header !== name));
  }

  header(name: string): string | undefined {
    return this.requestHeaders.find(([header]) => header === name)?.[1];
  }

  /** Envoy's rules for edits: from 0 replace the first `length` bytes, from beyond the end append. */
  editBody(start: number, length: number, data: Uint8Array): number {
    if (start === 0) this.body = Buffer.concat([data, this.body.subarray(length)]);
    else if (start >>> 0 >= this.body.length) this.body = Buffer.concat([this.body, data]);
    else return BAD_ARGUMENT;
    return OK;
  }

  /** Sends a body in chunks of `chunkSize` bytes. @returns what the next filter gets, up to a local reply */
  sendRequestBody(bytes: Uint8Array, chunkSize = bytes.length || 1, last = true): Uint8Array {
    return this.sendBody(bytes, chunkSize, (size, end) =>
      this.vm.exports.proxy_on_request_body?.(this.id, size, end & Number(last)),
    );
  }

  /** Ends the request with trailers. @returns what the caller's bytes that were held have become */
  endRequest(count = 1): Uint8Array {
    this.vm.stream = this;
    this.action = this.vm.exports.proxy_on_request_trailers?.(this.id, count) ?? CONTINUE;
    return this.body;
  }

  /**
   * Runs a response through the filter, without its end unless `last`.
   * @returns the body that the caller gets
   */
  respond(headers: HeaderList, bytes: Uint8Array, chunkSize = bytes.length || 1, last = true): Uint8Array {
    this.vm.stream = this;
    this.responseHeaders = headers;
    this.action = this.vm.exports.proxy_on_response_headers?.(this.id, headers.length, 0) ?? CONTINUE;
    if (this.reply) return new Uint8Array();
    return this.sendBody(bytes, chunkSize, (size, end) =>
      this.vm.exports.proxy_on_response_body?.(this.id, size, end & Number(last)),
    );
  }

  /** Ends the response with trailers. */
  endResponse(trailers: HeaderList): void {
    this.vm.stream = this;
    this.responseTrailers = trailers;
    this.action = this.vm.exports.proxy_on_response_trailers?.(this.id, trailers.length) ?? CONTINUE;
  }

  private sendBody(
    bytes: Uint8Array,
    chunkSize: number,
    callback: (size: number, end: number) => number | undefined,
  ): Uint8Array {
    this.vm.stream = this;
    const passed: Uint8Array[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += chunkSize) {
      const buffered = this.action === STOP_AND_BUFFER && at > 0 ? [this.body] : [];
      this.body = Buffer.concat([...buffered, bytes.subarray(at, at + chunkSize)]);
      const end = at + chunkSize >= bytes.length;
      this.action = callback(this.body.length, Number(end)) ?? CONTINUE;
      if (this.reply) break;
      if (this.action === CONTINUE) passed.push(this.body);
    }
    return Buffer.concat(passed);
  }

  /** Ends the stream: log, then delete. */
  close(): void {
    this.vm.stream = this;
    this.vm.exports.proxy_on_log?.(this.id);
    this.vm.exports.proxy_on_delete(this.id);
    this.vm.forget(this);
  }
}

/** A number as a property has it: 8 bytes. */
function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

/** The ABI's form of header pairs: count, sizes, then the bytes with a NUL behind each. */
function serialise(headers: HeaderList, encoding: BufferEncoding): Uint8Array {
  const parts = headers.flat().map((text) => Buffer.from(text, encoding));
  const sizes = Buffer.alloc(4 + parts.length * 4);
  sizes.writeUInt32LE(headers.length);
  for (const [i, part] of parts.entries()) sizes.writeUInt32LE(part.length, 4 + i * 4);
  return Buffer.concat([sizes, ...parts.flatMap((part) => [part, Buffer.of(0)])]);
}

function parsePairs(bytes: Uint8Array, encoding: BufferEncoding): HeaderList {
  if (bytes.length === 0) return [];
  const buffer = Buffer.from(bytes);
  const count = buffer.readUInt32LE();
  const texts: string[] = [];
  let at = 4 + count * 8;
  for (let i = 0; i < count * 2; i++) {
    const size = buffer.readUInt32LE(4 + i * 4);
    texts.push(buffer.toString(encoding, at, at + size));
    at += size + 1;
  }
  return Array.from({ length: count }, (_, i) => [texts[2 * i] as string, texts[2 * i + 1] as string]);
}
