/**
 * Callbacks of a converter's module: those of every module, and behind each that may have run the converter a
 * collection of managed memory. Nothing managed is in use there: what a stream keeps is reached from the
 * table of contexts.
 */
import { collectIfRequested } from "../sdk/host/collection";
import {
  proxy_on_request_body as onRequestBody,
  proxy_on_request_trailers as onRequestTrailers,
} from "../sdk/pipeline/exports/request-body";
import {
  proxy_on_response_body as onResponseBody,
  proxy_on_response_trailers as onResponseTrailers,
} from "../sdk/pipeline/exports/response";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/request-headers";
export { proxy_on_response_headers } from "../sdk/pipeline/exports/response";

export function proxy_on_request_body(id: u32, size: i32, endOfStream: u32): i32 {
  const action = onRequestBody(id, size, endOfStream);
  collectIfRequested();
  return action;
}

export function proxy_on_request_trailers(id: u32, count: u32): i32 {
  const action = onRequestTrailers(id, count);
  collectIfRequested();
  return action;
}

export function proxy_on_response_body(id: u32, size: i32, endOfStream: u32): i32 {
  const action = onResponseBody(id, size, endOfStream);
  collectIfRequested();
  return action;
}

export function proxy_on_response_trailers(id: u32, count: u32): i32 {
  const action = onResponseTrailers(id, count);
  collectIfRequested();
  return action;
}
