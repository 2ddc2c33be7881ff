import { Bytes, bytes } from "../sdk/bytes/bytes";

/** Names of google.rpc.Code by number, as `%GRPC_STATUS%` writes them. */
const NAMES: Bytes[] = [
  bytes("OK"),
  bytes("Canceled"),
  bytes("Unknown"),
  bytes("InvalidArgument"),
  bytes("DeadlineExceeded"),
  bytes("NotFound"),
  bytes("AlreadyExists"),
  bytes("PermissionDenied"),
  bytes("ResourceExhausted"),
  bytes("FailedPrecondition"),
  bytes("Aborted"),
  bytes("OutOfRange"),
  bytes("Unimplemented"),
  bytes("Internal"),
  bytes("Unavailable"),
  bytes("DataLoss"),
  bytes("Unauthenticated"),
];
const INVALID = bytes("InvalidCode");

export function grpcStatusName(status: i64): Bytes {
  return status >= 0 && status < NAMES.length ? NAMES[<i32>status] : INVALID;
}
