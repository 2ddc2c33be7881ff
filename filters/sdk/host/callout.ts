import { proxy_get_header_map_value, proxy_http_call } from "@solo-io/proxy-runtime/assembly/imports";
import { Char } from "../bytes/chars";
import { STATUS } from "../bytes/header-names";
import { CALLOUT_BODY, CALLOUT_HEADERS, OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";
import { bufferData, readBuffer } from "./body";
import { HeaderPairs } from "./headers";

/** What to do with the reply to an HTTP callout. */
export abstract class CalloutHandler {
  /**
   * @param status HTTP status; 0 when no reply came (time-out, connection refused)
   * @param body where its body lies, `len` bytes, valid during the call
   */
  abstract onReply(status: i32, body: usize, len: i32): void;
}

/** Callouts without a reply yet, unordered; arrays that only grow, so that callouts leave no garbage. */
const pendingTokens: u32[] = [];
const pendingHandlers: CalloutHandler[] = [];

/**
 * Sends an HTTP request through the Envoy cluster named [cluster, cluster + clusterLength). `headers` are
 * serialised pairs with `:method`, `:path` and `:authority`. The reply comes to `handler` in the root
 * context.
 * @returns false when the host refuses, such as for an unknown cluster; the handler is then not called.
 */
export function callout(
  cluster: usize,
  clusterLength: i32,
  headers: HeaderPairs,
  body: usize,
  len: i32,
  timeoutMs: u32,
  handler: CalloutHandler,
): bool {
  headers.serialise();
  const pairs = headers.memory;
  const sent = proxy_http_call(
    cluster,
    clusterLength,
    pairs.ptr,
    pairs.len,
    body,
    len,
    0,
    0,
    timeoutMs,
    RESULT,
  );
  if (sent != OK) return false;
  pendingTokens.push(load<u32>(RESULT));
  pendingHandlers.push(handler);
  return true;
}

/** Forgets what waits for a reply with `handler`: it will not be called. */
export function forgetCallout(handler: CalloutHandler): void {
  const index = pendingHandlers.indexOf(handler);
  if (index >= 0) takePending(index);
}

function takePending(index: i32): CalloutHandler {
  const handler = pendingHandlers[index];
  const lastToken = pendingTokens.pop();
  const lastHandler = pendingHandlers.pop();
  if (index < pendingTokens.length) {
    pendingTokens[index] = lastToken;
    pendingHandlers[index] = lastHandler;
  }
  return handler;
}

/** Serves `proxy_on_http_call_response`. */
export function onCalloutReply(token: u32, headerCount: i32, bodySize: i32): void {
  const index = pendingTokens.indexOf(token);
  if (index < 0) return;
  const handler = takePending(index);
  let status = 0;
  if (
    headerCount > 0 &&
    proxy_get_header_map_value(CALLOUT_HEADERS, STATUS.ptr, STATUS.len, RESULT, RESULT + 4) == OK
  ) {
    for (let i: i32 = 0; i < resultLen(); i++) status = status * 10 + (load<u8>(resultPtr() + i) - Char._0);
  }
  const len = readBuffer(CALLOUT_BODY, 0, bodySize);
  handler.onReply(status, bufferData(), len);
}
