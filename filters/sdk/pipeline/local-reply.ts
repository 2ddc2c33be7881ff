import { proxy_send_local_response } from "@solo-io/proxy-runtime/assembly/imports";
import { ByteBuffer } from "../bytes/byte-buffer";
import { Bytes, bytes, toText } from "../bytes/bytes";
import { CONTENT_TYPE } from "../bytes/header-names";
import { appendJsonString } from "../bytes/json-text";
import { Slice } from "../bytes/slice";
import { HeaderPairs } from "../host/headers";
import { Counter } from "../host/metrics";
import { CrossOrigin } from "./cross-origin";
import { appendOpenAiError } from "./openai-error";

const JSON_CONTENT_TYPE = bytes("application/json");

/**
 * An answer that a stage gives instead of the model. Built once, at start or when the stage is configured.
 */
export class LocalReply {
  readonly reason: Bytes;
  private readonly httpBody: ByteBuffer = new ByteBuffer();
  private readonly headers: HeaderPairs = new HeaderPairs();
  readonly message: ByteBuffer = new ByteBuffer();
  /** Headers that change from reply to reply: for HTTP callers, and for gRPC callers. */
  readonly details: HeaderPairs = new HeaderPairs();
  readonly grpcDetails: HeaderPairs = new HeaderPairs();
  private counter: Counter | null = null;

  /**
   * @param status HTTP status for HTTP callers
   * @param grpcStatus google.rpc.Code for gRPC callers
   * @param reason stable machine-readable word: in the JSON body, the access log, Envoy's response code
   *   details
   * @param message one sentence for a person, which tells nothing secret
   */
  constructor(
    readonly status: u32,
    readonly grpcStatus: u32,
    reason: string,
    message: string,
  ) {
    this.reason = bytes(reason);
    const text = bytes(message);
    this.headers.add(CONTENT_TYPE, JSON_CONTENT_TYPE.ptr, JSON_CONTENT_TYPE.len);
    this.setMessage(text.ptr, text.len);
  }

  /** Adds a header for HTTP callers. */
  withHeader(name: Bytes, value: string): LocalReply {
    this.headers.addText(name, value);
    return this;
  }

  /** Changes the sentence: for replies that name a place in the request. Reuses the memory. */
  setMessage(ptr: usize, len: i32): void {
    this.message.clear();
    this.message.append(ptr, len);
    const body = this.httpBody;
    body.clear();
    body.appendBytes(ERROR_OPEN);
    appendJsonString(body, ptr, len, i32.MAX_VALUE);
    body.appendBytes(REASON_OPEN);
    appendJsonString(body, this.reason.ptr, this.reason.len, i32.MAX_VALUE);
    body.appendBytes(CLOSE);
  }

  /** Counts the decision, whether the request is refused or, in a dry run, let through. */
  count(): void {
    let counter = this.counter;
    if (counter == null) {
      counter = new Counter(`modelgate.refused.${toText(this.reason.ptr, this.reason.len)}`);
      this.counter = counter;
    }
    counter.add(1);
  }

  /** Appends the JSON that HTTP callers get, which ends with a line break. */
  appendBody(out: ByteBuffer, openAi: bool): void {
    if (openAi) {
      appendOpenAiError(out, <i32>this.status, this.reason, this.message.ptr, this.message.len);
    } else out.append(this.httpBody.ptr, this.httpBody.len);
  }

  /**
   * Answers a request.
   * @param openAi whether an HTTP caller gets the error in the form of OpenAI's API
   * @param crossOrigin what the answer says to a page of another origin; null: nothing
   */
  send(grpc: bool, openAi: bool, crossOrigin: CrossOrigin | null, origin: Slice): void {
    let body = grpc ? this.message : this.httpBody;
    if (openAi && !grpc) {
      body = openAiBody;
      body.clear();
      this.appendBody(body, true);
    }
    pairs.clear();
    if (grpc) pairs.addAll(this.grpcDetails);
    else {
      pairs.addAll(this.headers);
      pairs.addAll(this.details);
    }
    if (crossOrigin != null) crossOrigin.addTo(pairs, origin);
    send(this.status, this.reason.ptr, this.reason.len, body.ptr, body.len, pairs, this.grpcStatus);
  }
}

const pairs: HeaderPairs = new HeaderPairs();
const openAiBody: ByteBuffer = new ByteBuffer();

function send(
  status: u32,
  details: usize,
  detailsLen: i32,
  body: usize,
  len: i32,
  headers: HeaderPairs,
  grpcStatus: i32,
): void {
  headers.serialise();
  const memory = headers.memory;
  proxy_send_local_response(status, details, detailsLen, body, len, memory.ptr, memory.len, grpcStatus);
}

/** Answers an HTTP caller with a JSON body that is no error of the gateway. */
export function sendJson(
  status: u32,
  ptr: usize,
  len: i32,
  crossOrigin: CrossOrigin | null,
  origin: Slice,
): void {
  pairs.clear();
  pairs.add(CONTENT_TYPE, JSON_CONTENT_TYPE.ptr, JSON_CONTENT_TYPE.len);
  if (crossOrigin != null) crossOrigin.addTo(pairs, origin);
  send(status, 0, 0, ptr, len, pairs, NOT_GRPC);
}

/** Answers an HTTP caller with headers alone. @param details Envoy's response code details */
export function sendEmpty(status: u32, details: Bytes, headers: HeaderPairs): void {
  send(status, details.ptr, details.len, 0, 0, headers, NOT_GRPC);
}

const NOT_GRPC: i32 = -1;
const ERROR_OPEN = bytes('{"error":');
const REASON_OPEN = bytes(',"reason":');
const CLOSE = bytes("}\n");
