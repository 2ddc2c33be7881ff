import type { FilterExports } from "./filter-exports.ts";
import type { HeaderList } from "./header-pairs.ts";
import { BAD_ARGUMENT, OK } from "./status.ts";

/** Actions that a filter returns for headers or a body chunk. */
export const CONTINUE = 0;
const STOP_AND_BUFFER = 1;

interface LocalReply {
  status: number;
  details: string;
  body: string;
  headers: HeaderList;
  grpcStatus: number;
}

/** The VM that a stream runs through. */
interface StreamOwner {
  exports: FilterExports;
  /** The stream whose turn it is. */
  stream: Stream | undefined;
  forget(stream: Stream): void;
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
  /** A filter has closed it. */
  isReset = false;
  body: Uint8Array = new Uint8Array();
  readonly id: number;
  private readonly vm: StreamOwner;

  constructor(vm: StreamOwner, id: number, headers: HeaderList) {
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
    return this.reply ? new Uint8Array() : this.sendResponseBody(bytes, chunkSize, last);
  }

  /** Sends more of a response's body. @returns what of it the caller gets */
  sendResponseBody(bytes: Uint8Array, chunkSize = bytes.length || 1, last = false): Uint8Array {
    return this.sendBody(bytes, chunkSize, (size, end) =>
      this.vm.exports.proxy_on_response_body?.(this.id, size, end & Number(last)),
    );
  }

  /** Runs more of a response's body through the filter. @returns the body that the caller gets */
  respondMore(bytes: Uint8Array, last = true): Uint8Array {
    return this.sendBody(bytes, bytes.length || 1, (size, end) =>
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
