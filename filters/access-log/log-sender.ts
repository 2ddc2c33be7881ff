import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { CalloutHandler, callout, forgetCallout } from "../sdk/host/callout";
import { monotonicNanos } from "../sdk/host/clock";
import { Election } from "../sdk/host/election";
import { HeaderPairs } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { Counter } from "../sdk/host/metrics";
import { randomId } from "../sdk/host/random-id";
import { readBearer } from "../sdk/pipeline/bearer-token";
import { Config } from "../sdk/pipeline/config";
import { JsonLine } from "./json-line";
import { LineWriter } from "./line-writer";
import { LogQueue } from "./log-queue";
import { ProtobufLine } from "./protobuf-line";

/**
 * A block: u32 number of lines, then the lines. VMs hand over whole blocks: the queue's lock is taken once a
 * block.
 */
const BLOCK_BYTES: i32 = 32 * 1024;
const BLOCK_HEADER: i32 = 4;
const BATCH_BYTES: i32 = 1024 * 1024;
const FORMATS: string[] = ["json", "protobuf"];
const FIRST_PAUSE_NANOS: u64 = 1_000_000_000;
const LONGEST_PAUSE_NANOS: u64 = 32_000_000_000;

/**
 * Batches of lines to the collector. A VM gathers its lines in a block, blocks go through a queue of the
 * process, and one VM sends what is in it: all of it on ticks and replies, none on a request's path. Memory
 * is bounded; lines for which there is no room are dropped and counted.
 */
export class LogSender extends CalloutHandler {
  readonly line: LineWriter;
  private readonly cluster: Bytes;
  private readonly timeoutMs: u32;
  private readonly headers: HeaderPairs = new HeaderPairs();
  private readonly queue: LogQueue;
  private readonly election: Election;

  private readonly block: ByteBuffer = new ByteBuffer();
  private blockLines: u32 = 0;
  /** What is being sent, or to be sent again. */
  private readonly batch: ByteBuffer = new ByteBuffer();
  private batchLines: u32 = 0;
  private pending: bool = false;
  private elected: bool = false;
  private pauseNanos: u64 = 0;
  private notBefore: u64 = 0;

  private readonly sent: Counter = new Counter("modelgate.log.sent");
  private readonly dropped: Counter = new Counter("modelgate.log.dropped");
  private readonly failures: Counter = new Counter("modelgate.log.failures");

  /**
   * Reads the field `collector` of the configuration.
   * @param limit longest text in a line
   */
  constructor(config: Config, limit: i32) {
    super();
    const cluster = config.text("cluster");
    this.cluster = bytes(cluster);
    this.timeoutMs = <u32>config.number("timeoutMilliseconds", 5000, 10);
    const protobuf = config.choice("format", FORMATS) == 1;
    // Lines of one form share a queue, also while another configuration takes over.
    const name = `modelgate.log.${cluster}.${FORMATS[protobuf ? 1 : 0]}`;
    const maxBytes = <i64>config.number("maxQueueBytes", 16 * 1024 * 1024, BLOCK_BYTES);
    this.queue = new LogQueue(name, maxBytes);
    this.election = new Election(`${name}.sender`, randomId());
    this.line = protobuf ? new ProtobufLine(limit) : new JsonLine(limit);
    this.header(":method", "POST");
    this.header(":path", config.has("path") ? config.text("path") : "/v1/logs");
    this.header(":authority", config.has("authority") ? config.text("authority") : "modelgate-collector");
    const bearer = readBearer(config, cluster);
    if (bearer.length > 0) this.header("authorization", bearer);
    this.header("content-type", protobuf ? "application/x-protobuf" : "application/x-ndjson");
    this.startBlock();
  }

  private header(name: string, value: string): void {
    const text = bytes(value);
    this.headers.add(bytes(name), text.ptr, text.len);
  }

  private startBlock(): void {
    this.block.clear();
    this.block.reserve(BLOCK_BYTES);
    this.block.len = BLOCK_HEADER;
    this.blockLines = 0;
  }

  /** Takes the line that `line` holds. */
  add(): void {
    const out = this.line.out;
    if (this.block.len + out.len > BLOCK_BYTES) this.handOver();
    this.block.append(out.ptr, out.len);
    this.blockLines++;
  }

  private handOver(): void {
    const block = this.block;
    if (this.blockLines == 0) return;
    store<u32>(block.ptr, this.blockLines);
    if (!this.queue.push(block.ptr, block.len)) this.dropped.add(this.blockLines);
    this.startBlock();
  }

  /**
   * Once a second: this VM's lines go to the queue, and on to the collector if this VM is the elected one.
   */
  onTick(): void {
    const now = monotonicNanos();
    this.handOver();
    this.elected = this.election.run(now);
    if (!this.pending && now >= this.notBefore) this.send();
  }

  private send(): void {
    if (this.batchLines == 0 && this.elected) this.collect();
    if (this.batchLines == 0) return;
    const batch = this.batch;
    const cluster = this.cluster;
    this.pending = callout(
      cluster.ptr,
      cluster.len,
      this.headers,
      batch.ptr,
      batch.len,
      this.timeoutMs,
      this,
    );
    if (!this.pending) this.failed();
  }

  /** Makes a batch of what is in the queue. */
  private collect(): void {
    const batch = this.batch;
    batch.clear();
    while (batch.len + BLOCK_BYTES <= BATCH_BYTES) {
      const length = this.queue.pop();
      if (length < BLOCK_HEADER) break;
      const block = this.queue.popped;
      this.batchLines += load<u32>(block);
      batch.append(block + BLOCK_HEADER, length - BLOCK_HEADER);
    }
  }

  onReply(status: i32, _body: usize, _len: i32): void {
    this.pending = false;
    if (mayPass(status)) {
      this.failed();
      return;
    }
    // Any other refusal would be the same next time.
    if (status >= HttpStatus.OK && status < HttpStatus.OK + 100) this.sent.add(this.batchLines);
    else {
      this.failures.add(1);
      this.dropped.add(this.batchLines);
    }
    this.batchLines = 0;
    this.pauseNanos = 0;
    this.send();
  }

  /** The batch is sent again after a pause, each twice as long as the last. */
  private failed(): void {
    this.failures.add(1);
    this.pauseNanos =
      this.pauseNanos == 0 ? FIRST_PAUSE_NANOS : min(this.pauseNanos * 2, LONGEST_PAUSE_NANOS);
    this.notBefore = monotonicNanos() + this.pauseNanos;
  }

  /** The plug-in ends: what it holds goes to the queue, for those that come after it. */
  stop(): void {
    if (this.pending) forgetCallout(this);
    this.handOver();
    if (this.batchLines > 0) {
      this.block.append(this.batch.ptr, this.batch.len);
      this.blockLines = this.batchLines;
      this.handOver();
    }
    this.block.free();
    this.batch.free();
    this.headers.free();
  }
}

/**
 * May a batch that was refused so be taken later? A token that is refused today is renewed on one side or the
 * other.
 */
function mayPass(status: i32): bool {
  return (
    status == 0 ||
    status == HttpStatus.UNAUTHORIZED ||
    status == HttpStatus.REQUEST_TIMEOUT ||
    status == HttpStatus.TOO_MANY_REQUESTS ||
    status >= HttpStatus.INTERNAL_SERVER_ERROR
  );
}
