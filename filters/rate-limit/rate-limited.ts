import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { GRPC_RETRY_PUSHBACK, GRPC_STATUS_DETAILS, RETRY_AFTER } from "../sdk/bytes/header-names";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { appendPolicies, appendRemaining, RATELIMIT, RATELIMIT_POLICY } from "./quota-text";
import { retryInfo } from "./retry-info";
import { Windows } from "./token-bucket";

const NANOS_PER_MILLISECOND: f64 = 1e6;
/** Told to a caller when waiting does not help: the limit is 0. */
const LONGEST_WAIT_MS: f64 = 3_600_000;
/** The slowest bucket gives a token in 1,000 hours. */
const LONGEST_NANOS: f64 = 3_600_000_000_000_000;

const text: ByteBuffer = new ByteBuffer();

/**
 * The answer to a request over a limit: 429 with `Retry-After` (RFC 9110, section 10.2.3) and the structured
 * fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11; for gRPC callers
 * RESOURCE_EXHAUSTED with google.rpc.RetryInfo in `grpc-status-details-bin` and `grpc-retry-pushback-ms`
 * (gRPC proposal A6).
 */
export class RateLimited extends LocalReply {
  readonly policy: Bytes;

  /** @param policy what the fields call the limit; with the window behind it, see quota-text.ts */
  constructor(
    policy: string,
    reason: string,
    message: string,
    status: u32 = HttpStatus.TOO_MANY_REQUESTS,
    grpcStatus: u32 = GrpcCode.RESOURCE_EXHAUSTED,
  ) {
    super(status, grpcStatus, reason, message);
    this.policy = bytes(policy);
  }

  /**
   * Says which window refused the request: it holds `remaining` tokens, and enough of them in `waitNanos`.
   */
  describe(windows: Windows, window: i32, remaining: f64, waitNanos: f64): void {
    const wait = max(Math.ceil(waitNanos / NANOS_PER_MILLISECOND), 1);
    const milliseconds = <u64>(waitNanos > LONGEST_NANOS ? LONGEST_WAIT_MS : wait);
    const seconds = (milliseconds + 999) / 1000;
    this.waitMs = milliseconds;
    const details = this.details;
    details.clear();
    text.clear();
    text.appendDecimal(seconds);
    details.add(RETRY_AFTER, text.ptr, text.len);

    text.clear();
    appendPolicies(text, this.policy, windows);
    details.add(RATELIMIT_POLICY, text.ptr, text.len);

    text.clear();
    appendRemaining(text, this.policy, window, remaining, seconds);
    details.add(RATELIMIT, text.ptr, text.len);
    this.describeToGrpc(milliseconds);
  }

  /** Says when to come back to a caller that no bucket refused. */
  describeWait(milliseconds: u64): void {
    this.waitMs = milliseconds;
    text.clear();
    text.appendDecimal((milliseconds + 999) / 1000);
    this.details.clear();
    this.details.add(RETRY_AFTER, text.ptr, text.len);
    this.describeToGrpc(milliseconds);
  }

  /** Milliseconds until a token comes, as last described. */
  waitMs: u64 = 0;

  private describeToGrpc(milliseconds: u64): void {
    const details = this.grpcDetails;
    details.clear();
    text.clear();
    text.appendDecimal(milliseconds);
    details.add(GRPC_RETRY_PUSHBACK, text.ptr, text.len);
    text.clear();
    retryInfo(text, this.grpcStatus, this.message, milliseconds);
    details.add(GRPC_STATUS_DETAILS, text.ptr, text.len);
  }
}
