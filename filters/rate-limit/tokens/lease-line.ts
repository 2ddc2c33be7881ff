import { HttpContext } from "../../sdk/pipeline/http-context";
import { PipelineFacts } from "../../sdk/pipeline/pipeline-facts";
import { now } from "../now";

/** Calls of one VM that wait at once. */
const MOST: i32 = 256;
/** Two of the reports that a gateway makes once a second, and their answers. */
const LONGEST_NANOS: u64 = 2_500_000_000;

/**
 * Calls that wait for a part of a budget which the gateway has asked the controller for, in the order they
 * came. While one waits the plug-in's timer runs fast.
 */
export class LeaseLine {
  private readonly places: StaticArray<HttpContext | null> = new StaticArray<HttpContext | null>(MOST);
  length: i32 = 0;
  /** Whose timer is to slow down again when nobody waits any more. */
  private hurried: PipelineFacts | null = null;

  /** Puts a stream at the end. @returns until when it may wait (nanoseconds), 0: there is no room */
  join(http: HttpContext): u64 {
    if (this.length == MOST) return 0;
    this.places[this.length++] = http;
    if (this.hurried == null) {
      this.hurried = http.pipeline;
      http.pipeline.hurry();
    }
    return now() + LONGEST_NANOS;
  }

  at(index: i32): HttpContext {
    return this.places[index]!;
  }

  /** Takes out a stream; those behind move up. */
  leave(http: HttpContext): void {
    let place = 0;
    while (place < this.length && this.places[place] != http) place++;
    if (place == this.length) return;
    this.length--;
    for (let i = place; i < this.length; i++) this.places[i] = this.places[i + 1];
    this.places[this.length] = null;
  }

  /** Lets the timer run at its usual pace when nobody waits. */
  calmDown(): void {
    const hurried = this.hurried;
    if (this.length > 0 || hurried == null) return;
    hurried.unhurry();
    this.hurried = null;
  }
}
