/** What a stage keeps for one stream; see `HttpContext.state`. */
export class StreamState {
  /** The stream is over, or needs it no more: it may serve another one. */
  giveBack(): void {}
}
