import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { PipelineFacts } from "../sdk/pipeline/pipeline-facts";
import { NamedLimit } from "./named-limit";
import { now } from "./now";

const MOST_STREAMS: f64 = 4096;
const LONGEST_MS: f64 = 60_000;
const NANOS_PER_MILLISECOND: f64 = 1_000_000;
const MILLISECONDS_PER_SECOND: f64 = 1000;

/**
 * Streams of this VM that wait for a token instead of being refused, in the order they came. Its places are
 * made once. While somebody waits the plug-in's timer runs fast.
 */
export class WaitingLine {
  private readonly places: StaticArray<HttpContext | null>;
  length: i32 = 0;
  /** Whose timer is to slow down again when nobody waits any more. */
  private hurried: PipelineFacts | null = null;

  constructor(
    most: i32,
    private readonly longestMs: f64,
  ) {
    this.places = new StaticArray<HttpContext | null>(most);
  }

  /** Reads `queue`; absent: nobody waits. */
  static read(parent: Config): WaitingLine {
    const config = parent.object("queue");
    if (config == null) return new WaitingLine(0, 0);
    const milliseconds = config.number("maxMilliseconds", 100, 1);
    const most = config.number("maxStreams", 256, 1);
    if (milliseconds > LONGEST_MS) config.fault("maxMilliseconds", "must be at most 60000");
    if (most > MOST_STREAMS) config.fault("maxStreams", "must be at most 4096");
    config.finish();
    return new WaitingLine(<i32>min(most, MOST_STREAMS), milliseconds);
  }

  /**
   * Is there room, and will a token of `awaited` come in time, after those for the streams that wait already?
   */
  mayJoin(awaited: NamedLimit): bool {
    if (this.length == this.places.length) return false;
    const ahead = (<f64>awaited.queued * MILLISECONDS_PER_SECOND) / awaited.windows.slowest();
    return <f64>awaited.reply.waitMs + ahead <= this.longestMs;
  }

  /** Puts a stream at the end. @returns until when it may wait (nanoseconds) */
  join(http: HttpContext, awaited: NamedLimit): u64 {
    this.places[this.length++] = http;
    awaited.queued++;
    if (this.hurried == null) {
      this.hurried = http.pipeline;
      http.pipeline.hurry();
    }
    return now() + <u64>(this.longestMs * NANOS_PER_MILLISECOND);
  }

  at(index: i32): HttpContext {
    return this.places[index]!;
  }

  /** Takes out the stream at `index`; those behind move up. */
  leave(index: i32, awaited: NamedLimit): void {
    awaited.queued--;
    this.length--;
    for (let i = index; i < this.length; i++) this.places[i] = this.places[i + 1];
    this.places[this.length] = null;
  }

  /** Takes out a stream that ended. */
  remove(http: HttpContext, awaited: NamedLimit): void {
    for (let i = 0; i < this.length; i++) {
      if (this.places[i] != http) continue;
      this.leave(i, awaited);
      return;
    }
  }

  /** Lets the timer run at its usual pace when nobody waits. */
  calmDown(): void {
    const hurried = this.hurried;
    if (this.length > 0 || hurried == null) return;
    hurried.unhurry();
    this.hurried = null;
  }
}
