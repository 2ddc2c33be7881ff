/** What a stage keeps for one stream; see `HttpContext.state`. */
export class StreamState {
  /** The stream is over, or needs it no more: back to its pool, where it waits for another one. */
  release(): void {}
}
