import { proxy_get_header_map_value, proxy_http_call } from "@solo-io/proxy-runtime/assembly/imports";
import { CALLOUT_BODY, CALLOUT_HEADERS, OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";
import { bufferData, readBuffer } from "./body";
import { Bytes, bytes } from "./bytes";
import { HeaderPairs } from "./headers";

const STATUS = bytes(":status");

/** What to do with the reply to an HTTP callout. */
export abstract class CalloutHandler {
  /**
   * @param status HTTP status; 0 when no reply came (time-out, connection refused)
   * @param body where its body lies, `len` bytes, valid during the call
   */
  abstract onReply(status: i32, body: usize, len: i32): void;
}

const pending: Map<u32, CalloutHandler> = new Map<u32, CalloutHandler>();

/**
 * Sends an HTTP request through an Envoy cluster. `headers` are serialised pairs with `:method`, `:path` and
 * `:authority`. The reply comes to `handler` in the root context.
 * @returns false when the host refuses, such as for an unknown cluster; the handler is then not called.
 */
export function callout(
  cluster: Bytes,
  headers: HeaderPairs,
  body: usize,
  len: i32,
  timeoutMilliseconds: u32,
  handler: CalloutHandler,
): bool {
  headers.serialise();
  const pairs = headers.memory;
  const sent = proxy_http_call(
    cluster.ptr,
    cluster.len,
    pairs.ptr,
    pairs.len,
    body,
    len,
    0,
    0,
    timeoutMilliseconds,
    RESULT,
  );
  if (sent != OK) return false;
  pending.set(load<u32>(RESULT), handler);
  return true;
}

/** Serves `proxy_on_http_call_response`. */
export function onCalloutReply(token: u32, headerCount: i32, bodySize: i32): void {
  if (!pending.has(token)) return;
  const handler = pending.get(token);
  pending.delete(token);
  let status = 0;
  if (
    headerCount > 0 &&
    proxy_get_header_map_value(CALLOUT_HEADERS, STATUS.ptr, STATUS.len, RESULT, RESULT + 4) == OK
  ) {
    for (let i: i32 = 0; i < resultLen(); i++) status = status * 10 + (load<u8>(resultPtr() + i) - 0x30);
  }
  const len = readBuffer(CALLOUT_BODY, 0, bodySize);
  handler.onReply(status, bufferData(), len);
}
