import { Char } from "../sdk/bytes/chars";
import { GRPC_STATUS, STATUS } from "../sdk/bytes/header-names";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { GrpcCode } from "../sdk/host/grpc-code";
import { getHeader, headerValue } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";

/** By gRPC status. */
const TO_HTTP = memory.data<i32>([
  HttpStatus.OK,
  HttpStatus.CLIENT_CLOSED_REQUEST,
  HttpStatus.INTERNAL_SERVER_ERROR,
  HttpStatus.BAD_REQUEST,
  HttpStatus.GATEWAY_TIMEOUT,
  HttpStatus.NOT_FOUND,
  HttpStatus.CONFLICT,
  HttpStatus.FORBIDDEN,
  HttpStatus.TOO_MANY_REQUESTS,
  HttpStatus.BAD_REQUEST,
  HttpStatus.CONFLICT,
  HttpStatus.BAD_REQUEST,
  HttpStatus.NOT_IMPLEMENTED,
  HttpStatus.INTERNAL_SERVER_ERROR,
  HttpStatus.SERVICE_UNAVAILABLE,
  HttpStatus.INTERNAL_SERVER_ERROR,
  HttpStatus.UNAUTHORIZED,
]);

const LAST_CODE: i32 = GrpcCode.UNAUTHENTICATED;

/** HTTP status of a gRPC status, as google/rpc/code.proto maps them; 500 for a number beyond it. */
export function httpStatusOf(grpcStatus: u32): u32 {
  return grpcStatus > <u32>LAST_CODE
    ? HttpStatus.INTERNAL_SERVER_ERROR
    : load<i32>(TO_HTTP + (grpcStatus << 2));
}

/**
 * As `httpStatusOf`, for a server of the Open Inference Protocol: where Triton's REST has a status of its own
 * for one of its
 * error codes (http_server.cc, HttpCodeFromError), callers get that.
 */
export function openInferenceStatusOf(grpcStatus: u32): u32 {
  const own =
    grpcStatus == GrpcCode.UNKNOWN ||
    grpcStatus == GrpcCode.CANCELLED ||
    grpcStatus == GrpcCode.ALREADY_EXISTS;
  return own ? HttpStatus.BAD_REQUEST : httpStatusOf(grpcStatus);
}

/** What `grpcStatusOf` gives for text that is no status: the number behind the last one. */
const NO_STATUS: i32 = LAST_CODE + 1;

/** gRPC status of a header map, -1 when it has none; for text that is none a number that is none either. */
export function grpcStatusOf(mapType: i32): i32 {
  const len = getHeader(mapType, GRPC_STATUS);
  if (len < 0) return -1;
  let status: i32 = 0;
  for (let i: i32 = 0; i < len; i++) {
    const digit = load<u8>(headerValue() + i) - Char._0;
    if (digit > 9 || status >= NO_STATUS) return NO_STATUS;
    status = status * 10 + digit;
  }
  return min(status, NO_STATUS);
}

/** Does the HTTP status of a response say success? */
export function saysSuccess(): bool {
  return getHeader(RESPONSE_HEADERS, STATUS) > 0 && load<u8>(headerValue()) == Char._2;
}
