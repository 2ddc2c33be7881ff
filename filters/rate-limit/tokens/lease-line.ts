import { HttpContext } from "../../sdk/pipeline/http-context";
import { PipelineFacts } from "../../sdk/pipeline/pipeline-facts";
import { now } from "../now";
import { StreamList } from "./stream-list";

/** Calls of one VM that wait at once. */
const MOST: i32 = 256;
/** Two of the reports that a gateway makes once a second, and their answers. */
const LONGEST_NANOS: u64 = 2_500_000_000;

/**
 * Calls that wait for a part of a budget which the gateway has asked the controller for, in the order they
 * came. While one waits the plug-in's timer runs fast.
 */
export class LeaseLine {
  private readonly streams: StreamList = new StreamList(MOST);
  /** Whose timer is to slow down again when nobody waits any more. */
  private hurried: PipelineFacts | null = null;

  get length(): i32 {
    return this.streams.length;
  }

  /** Puts a stream at the end. @returns until when it may wait (nanoseconds), 0: there is no room */
  join(http: HttpContext): u64 {
    if (!this.streams.add(http)) return 0;
    if (this.hurried == null) {
      this.hurried = http.pipeline;
      http.pipeline.hurry();
    }
    return now() + LONGEST_NANOS;
  }

  at(index: i32): HttpContext {
    return this.streams.at(index);
  }

  leave(http: HttpContext): void {
    this.streams.remove(http);
  }

  /** Lets the timer run at its usual pace when nobody waits. */
  calmDown(): void {
    const hurried = this.hurried;
    if (this.length > 0 || hurried == null) return;
    hurried.unhurry();
    this.hurried = null;
  }
}
