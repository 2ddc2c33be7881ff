const TO_HTTP = memory.data<u16>([
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
]);

/** HTTP status of a gRPC status, as google/rpc/code.proto maps them; 500 for a number beyond it. */
export function httpStatusOf(grpcStatus: u32): u32 {
  return grpcStatus > 16 ? 500 : load<u16>(TO_HTTP + (grpcStatus << 1));
}
