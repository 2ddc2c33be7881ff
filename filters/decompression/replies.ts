import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";

export const MALFORMED = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "encoded_body_malformed",
  "the body is cut or damaged, or is not what its content-encoding says: gzip, or deflate in zlib's format",
);
export const TOO_LARGE = new LocalReply(
  HttpStatus.CONTENT_TOO_LARGE,
  GrpcCode.RESOURCE_EXHAUSTED,
  "decompressed_too_large",
  "the body is over the limit of the gateway once it is decompressed",
);
