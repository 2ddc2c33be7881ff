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

/** Callouts under way: the host's tokens, and who waits for the reply. */
const MOST_PENDING = 64;
const tokens: StaticArray<u32> = new StaticArray<u32>(MOST_PENDING);
const handlers: StaticArray<CalloutHandler | null> = new StaticArray<CalloutHandler | null>(MOST_PENDING);

function freePlace(): i32 {
  for (let i = 0; i < MOST_PENDING; i++) if (handlers[i] == null) return i;
  return -1;
}

/**
 * Sends an HTTP request through an Envoy cluster. `headers` are serialised pairs with `:method`, `:path` and
 * `:authority`. The reply comes to `handler` in the root context.
 * @returns false when the host refuses, such as for an unknown cluster, or when 64 callouts are under way; the handler
 *   is then not called.
 */
export function callout(
  cluster: Bytes,
  headers: HeaderPairs,
  body: usize,
  len: i32,
  timeoutMilliseconds: u32,
  handler: CalloutHandler,
): bool {
  const place = freePlace();
  if (place < 0) return false;
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
  tokens[place] = load<u32>(RESULT);
  handlers[place] = handler;
  return true;
}

/** Serves `proxy_on_http_call_response`. */
export function onCalloutReply(token: u32, headerCount: i32, bodySize: i32): void {
  let handler: CalloutHandler | null = null;
  for (let i = 0; i < MOST_PENDING && handler == null; i++) {
    if (handlers[i] == null || tokens[i] != token) continue;
    handler = handlers[i];
    handlers[i] = null;
  }
  if (handler == null) return;
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
