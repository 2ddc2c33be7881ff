import { Operation } from "../model-protocol/route";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { appendJsonString } from "../sdk/bytes/json-text";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamState } from "../sdk/pipeline/stream-state";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { ModelDescription } from "./generate/model-description";
import { Policy } from "./policy";
import { Task } from "./task";
import { RawContents } from "./tensor/raw-contents";

const DEFAULT_POLICY: Policy = new Policy();
const ERROR_OPEN = bytes('{"error":');
const EVENTS = bytes("text/event-stream");
const NO_CONTENTS: RawContents = new RawContents();

/**
 * What one stream's conversion keeps from chunk to chunk. A subclass for each kind of body knows which reader
 * and writer convert it; its objects are reused for later streams.
 */
export abstract class Conversion extends StreamState {
  policy: Policy = DEFAULT_POLICY;
  /** Bytes of a token that goes on in the next chunk. */
  readonly carry: ByteBuffer = new ByteBuffer();
  /** How many of them no parser saw yet. */
  unread: i32 = 0;
  /** Bytes of request body so far. */
  received: i64 = 0;
  /** Bytes of the body that are JSON; the rest is binary data. */
  jsonBytes: i64 = i64.MAX_VALUE;
  /** The body is one raw tensor, which passes as it is. */
  raw: bool = false;
  /**
   * The body may end in trailers, as it does behind Envoy's decompressor. A filter may change the body in the
   * callback for trailers only if some of it is buffered: one byte is, and `heldBytes` says whether yet.
   */
  mayHaveTrailers: bool = false;
  heldBytes: i32 = 0;
  /** The JSON is converted and the start of the frame handed on. */
  begun: bool = false;
  /** Does the caller want a stream of replies, and as which form? -1 for one reply. */
  streamForm: i32 = -1;
  /**
   * The model answers with a stream, of which the caller is to have the only reply: it waits for the end. Of
   * the response body one byte is buffered meanwhile, as of a request's, and `heldReplyBytes` says whether
   * yet.
   */
  gathers: bool = false;
  heldReplyBytes: i32 = 0;
  /** The headers of the reply wait for its first message. */
  held: bool = false;
  /** Something of the reply went on to the caller. */
  replyBegun: bool = false;
  /** The response is an error text of a proxy and not the model's. */
  upstreamError: bool = false;

  /** What reads the body at hand. */
  abstract get request(): RequestReader;
  abstract get reply(): ReplyWriter;
  /** Path of the gRPC method that the model server is called with. */
  abstract get rpc(): Bytes;
  /** Takes what is known of the model, before `start`, where the operation needs that. */
  describe(_model: ModelDescription, _operation: Operation): void {}
  /**
   * Makes the reader ready for a request whose headers are there.
   * @returns what it is refused with, or null
   */
  abstract start(http: HttpContext, task: Task): LocalReply | null;
  /** The JSON of the request was read. */
  requestRead(): void {}
  /** Appends the JSON of an error in the caller's form. */
  appendError(out: ByteBuffer, error: LocalReply): void {
    out.appendBytes(ERROR_OPEN);
    appendJsonString(out, error.message.ptr, error.message.len, i32.MAX_VALUE);
    out.appendByte(Char.CLOSE_BRACE);
  }

  /** Makes the writer ready for the model's reply. */
  abstract startReply(): void;

  /** Is it a method of the Open Inference Protocol, whose errors have HTTP statuses of their own? */
  get isOpenInference(): bool {
    return false;
  }

  /** May the model's replies take the time of a stream? Known before the body is. */
  get mayStream(): bool {
    return this.streamForm >= 0;
  }

  /** Type of a reply that is a stream of events. */
  get eventType(): Bytes {
    return EVENTS;
  }

  /** How many replies and errors a stream of the model had so far, where that is counted. */
  get replies(): i32 {
    return 0;
  }

  /** The tensors of a request that may pass by as binary data. */
  get contents(): RawContents {
    return NO_CONTENTS;
  }

  /** May binary data follow the JSON? */
  get takesBinary(): bool {
    return this.raw;
  }

  /** Bytes of JSON that a binary reply starts with; -1 for any other. */
  get announcedBytes(): i32 {
    return -1;
  }

  /** Does the caller say how many bytes of the body are JSON? */
  get jsonIsCounted(): bool {
    return this.jsonBytes != i64.MAX_VALUE;
  }

  /** The body is one raw tensor, whose bytes pass. */
  protected startRaw(): void {
    this.raw = true;
    this.jsonBytes = 0;
  }

  /** Begins a new stream, of a task with this policy. */
  begin(policy: Policy, mayHaveTrailers: bool): void {
    this.policy = policy;
    this.carry.clear();
    this.unread = 0;
    this.received = 0;
    this.jsonBytes = i64.MAX_VALUE;
    this.begun = false;
    this.raw = false;
    this.mayHaveTrailers = mayHaveTrailers;
    this.heldBytes = 0;
    this.streamForm = -1;
    this.gathers = false;
    this.heldReplyBytes = 0;
    this.held = false;
    this.replyBegun = false;
    this.upstreamError = false;
  }

  /** Gives back the memory of request and reply. */
  release(): void {
    this.request.release();
    this.reply.release();
    this.contents.release();
  }
}
