/** Constants of the proxy-wasm ABI 0.2.1. */

export const OK: u32 = 0;

export const REQUEST_HEADERS: i32 = 0;
export const RESPONSE_HEADERS: i32 = 2;
export const RESPONSE_TRAILERS: i32 = 3;
export const CALLOUT_HEADERS: i32 = 6;
export const CALLOUT_TRAILERS: i32 = 7;

export const REQUEST_BODY: i32 = 0;
export const RESPONSE_BODY: i32 = 1;
export const CALLOUT_BODY: i32 = 4;
export const PLUGIN_CONFIGURATION: i32 = 7;

/** What a stage tells the host to do with headers, trailers or a body chunk. */
export type Action = i32;
export const CONTINUE: Action = 0;
/** Headers or trailers: wait. Envoy then delivers no body either until the stream is continued. */
export const STOP: Action = 1;
/** Body chunk: wait, with what is left of it in the buffer. */
export const STOP_AND_BUFFER: Action = 1;
/** Body chunk: consumed by the stage, nothing goes on. */
export const STOP_NO_BUFFER: Action = 3;
