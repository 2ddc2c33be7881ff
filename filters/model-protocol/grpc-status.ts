import { bytes } from "../sdk/bytes/bytes";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { getHeader, headerValue } from "../sdk/host/headers";

const GRPC_STATUS = bytes("grpc-status");
const STATUS = bytes(":status");

const TO_HTTP = memory.data<u16>([
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
]);

/** HTTP status of a gRPC status, as google/rpc/code.proto maps them; 500 for a number beyond it. */
export function httpStatusOf(grpcStatus: u32): u32 {
  return grpcStatus > 16 ? 500 : load<u16>(TO_HTTP + (grpcStatus << 1));
}

/** gRPC status of a header map, -1 when it has none; 2 (unknown) for text that is none. */
export function grpcStatusOf(mapType: i32): i32 {
  const len = getHeader(mapType, GRPC_STATUS);
  if (len < 0) return -1;
  let status: i32 = 0;
  for (let i: i32 = 0; i < len; i++) {
    const digit = load<u8>(headerValue() + i) - 0x30;
    if (digit > 9 || status > 16) return 2;
    status = status * 10 + digit;
  }
  return status > 16 ? 2 : status;
}

/** Does the HTTP status of a response say success? */
export function saysSuccess(): bool {
  return getHeader(RESPONSE_HEADERS, STATUS) > 0 && load<u8>(headerValue()) == 0x32;
}
