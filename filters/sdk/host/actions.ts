/**
 * What a stage tells the host to do, as the proxy-wasm ABI 0.2.1 numbers it: one type for each kind of
 * callback.
 */

export enum HeadersAction {
  CONTINUE = 0,
  /**
   * Hold the headers back while the body comes, up to the first chunk that goes on. Envoy takes it as `STOP`
   * unless the plug-in has `allow_on_headers_stop_iteration`.
   */
  HOLD = 1,
  /** Wait: no body comes until the stream is continued. */
  STOP = 4,
}

export enum BodyAction {
  CONTINUE = 0,
  /** Wait, with what is left of the chunk in the buffer. */
  STOP_AND_BUFFER = 1,
  /** The stage consumed the chunk: nothing goes on. */
  STOP_NO_BUFFER = 3,
}

export enum TrailersAction {
  CONTINUE = 0,
  STOP = 1,
}
