import type grpc from "@grpc/grpc-js";

/** An error that the caller gets as a gRPC status. */
export class CallError extends Error {
  readonly code: grpc.status;
  constructor(code: grpc.status, message: string) {
    super(message);
    this.code = code;
  }
}
