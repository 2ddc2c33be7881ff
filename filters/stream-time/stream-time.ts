import { bytes } from "../sdk/bytes/bytes";
import { UPSTREAM_TIMEOUT } from "../sdk/bytes/header-names";
import { NameTable } from "../sdk/bytes/name-table";
import { REQUEST_HEADERS, RESPONSE_BODY } from "../sdk/host/abi";
import { BodyAction, HeadersAction } from "../sdk/host/actions";
import { appendBody, bufferData, readBuffer, replaceBody } from "../sdk/host/body";
import { monotonicNanos } from "../sdk/host/clock";
import { closeStream } from "../sdk/host/close-stream";
import { GrpcCode } from "../sdk/host/grpc-code";
import { setHeader } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { asksForStream, isStreamMethod } from "./asks-for-stream";
import { endsPiece, Form, formOfResponse, lastPiece } from "./last-piece";
import { StreamLimit } from "./stream-limit";

const STREAM_TIMEOUT = new LocalReply(
  HttpStatus.GATEWAY_TIMEOUT,
  GrpcCode.DEADLINE_EXCEEDED,
  "stream_timeout",
  "the stream took longer than its task's stream.timeout",
);

/** A stream that may take so long. */
class TimedStream extends StreamState {
  /** Nanoseconds of the monotonic clock. */
  deadline: u64 = 0;
  form: Form = Form.None;
  /** Its last event went out: what the model still sends is nobody's. */
  over: bool = false;

  release(): void {
    this.form = Form.None;
    this.over = false;
    pool.release(this);
  }
}

const pool: StreamPool<TimedStream> = new StreamPool<TimedStream>();

/**
 * How long streams of replies may take: those that no other stage knows as streams are spared their task's
 * timeout of requests, and one that is cut while it is alive ends with an error in its own form.
 */
export class StreamTime extends Stage {
  private readonly tasks: NameTable<StreamLimit> = new NameTable<StreamLimit>();
  /** Streams that end with the next tick: what this callback appends goes on only when it is over. */
  private readonly ending: HttpContext[] = [];

  get key(): string {
    return "streams";
  }

  get isRequired(): bool {
    return false;
  }

  configure(config: Config): void {
    const configs = config.objects("tasks");
    for (let i = 0; i < configs.length; i++) {
      const taskid = configs[i].text("taskid");
      const limit = StreamLimit.read(configs[i]);
      if (!this.tasks.add(bytes(taskid), limit)) configs[i].fault("taskid", `${taskid} is there already`);
    }
  }

  onRequestHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    const limit = this.tasks.find(http.taskid.ptr, http.taskid.len);
    if (limit == null) return HeadersAction.CONTINUE;
    if (limit.lifts) {
      const asked = http.grpc ? isStreamMethod(http.path) : asksForStream(http);
      if (!asked) return HeadersAction.CONTINUE;
      setHeader(REQUEST_HEADERS, UPSTREAM_TIMEOUT, limit.header.ptr, limit.header.len);
    }
    if (http.grpc || limit.nanos == 0) return HeadersAction.CONTINUE;
    const timed = pool.take();
    timed.deadline = monotonicNanos() + limit.nanos;
    http.setState(this.slot, timed);
    return HeadersAction.CONTINUE;
  }

  onResponseHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    const timed = this.timedOf(http);
    if (timed == null) return HeadersAction.CONTINUE;
    timed.form = http.replied ? Form.None : formOfResponse();
    if (timed.form == Form.None) this.forget(http, timed);
    return HeadersAction.CONTINUE;
  }

  onResponseBody(http: HttpContext, _size: i32, endOfStream: bool): BodyAction {
    const timed = this.timedOf(http);
    if (timed == null) return BodyAction.CONTINUE;
    if (timed.over) {
      replaceBody(RESPONSE_BODY, 0, 0);
      return endOfStream ? BodyAction.CONTINUE : BodyAction.STOP_NO_BUFFER;
    }
    if (endOfStream || monotonicNanos() < timed.deadline) return BodyAction.CONTINUE;
    const length = readBuffer(RESPONSE_BODY, 0, i32.MAX_VALUE);
    // In the middle of an event another one can't begin.
    if (!endsPiece(timed.form, bufferData(), length)) return BodyAction.CONTINUE;
    const last = lastPiece(timed.form, http.openAi, STREAM_TIMEOUT);
    appendBody(RESPONSE_BODY, last.ptr, last.len);
    http.noteFailure(STREAM_TIMEOUT);
    timed.over = true;
    this.ending.push(http);
    http.pipeline.hurry();
    return BodyAction.CONTINUE;
  }

  onShortTick(): void {
    while (this.ending.length > 0) {
      const http = this.ending.pop();
      http.pipeline.unhurry();
      http.enter();
      closeStream();
    }
  }

  onDone(http: HttpContext): void {
    const timed = this.timedOf(http);
    if (timed != null) this.forget(http, timed);
  }

  private timedOf(http: HttpContext): TimedStream | null {
    const state = http.state(this.slot);
    return state == null ? null : changetype<TimedStream>(state);
  }

  private forget(http: HttpContext, timed: TimedStream): void {
    const at = timed.over ? this.ending.indexOf(http) : -1;
    if (at >= 0) {
      this.ending.splice(at, 1);
      http.pipeline.unhurry();
    }
    http.setState(this.slot, null);
    timed.release();
  }
}
