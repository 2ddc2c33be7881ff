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
