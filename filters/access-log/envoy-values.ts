import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { getHeader, headerValue } from "../sdk/host/headers";
import { getNumber, getProperty, propertyPath, propertyValue } from "../sdk/host/properties";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Field } from "./fields";
import { grpcStatusName } from "./grpc-status-name";
import { LineWriter } from "./line-writer";
import { Member } from "./member";
import { appendFlags } from "./response-flags";

/**
 * What Envoy knows of a stream that is over, for lines that its own logger does not write: a host call for
 * each value.
 */

const NANOS_PER_MILLISECOND: u64 = 1_000_000;

const REQUEST_TIME = propertyPath("request.time");
const REQUEST_DURATION = propertyPath("request.duration");
const REQUEST_PROTOCOL = propertyPath("request.protocol");
const REQUEST_SIZE = propertyPath("request.size");
export const RESPONSE_CODE = propertyPath("response.code");
export const RESPONSE_FLAGS = propertyPath("response.flags");
const RESPONSE_CODE_DETAILS = propertyPath("response.code_details");
export const RESPONSE_GRPC_STATUS = propertyPath("response.grpc_status");
const RESPONSE_SIZE = propertyPath("response.size");
const SOURCE_ADDRESS = propertyPath("source.address");
const DESTINATION_ADDRESS = propertyPath("destination.address");
const UPSTREAM_ADDRESS = propertyPath("upstream.address");
/** Milliseconds from the end of the request to the model's response headers; Envoy's router sets it. */
const UPSTREAM_SERVICE_TIME = bytes("x-envoy-upstream-service-time");

const flags: ByteBuffer = new ByteBuffer();

/** Milliseconds that the stream took, 0 while it is not over. */
export function durationMilliseconds(): u64 {
  return <u64>max<i64>(getNumber(REQUEST_DURATION), 0) / NANOS_PER_MILLISECOND;
}

/** Writes a member that Envoy knows. @param hostname the pod */
export function writeEnvoyValue(line: LineWriter, member: Member, http: HttpContext, hostname: Bytes): void {
  switch (member.field) {
    case Field.StartTime: {
      line.time(member, <u64>max<i64>(getNumber(REQUEST_TIME), 0) / NANOS_PER_MILLISECOND);
      break;
    }
    case Field.Duration: {
      line.number(member, durationMilliseconds());
      break;
    }
    case Field.Protocol: {
      writeProperty(line, member, REQUEST_PROTOCOL);
      break;
    }
    case Field.ResponseCode: {
      line.number(member, max<i64>(getNumber(RESPONSE_CODE), 0));
      break;
    }
    case Field.ResponseFlags: {
      flags.clear();
      appendFlags(flags, max<i64>(getNumber(RESPONSE_FLAGS), 0));
      line.text(member, flags.ptr, flags.len);
      break;
    }
    case Field.ResponseCodeDetails: {
      writeProperty(line, member, RESPONSE_CODE_DETAILS);
      break;
    }
    case Field.GrpcStatus: {
      const status = http.grpc || http.requestTensorBytes > 0 ? getNumber(RESPONSE_GRPC_STATUS) : -1;
      if (status >= 0) {
        const name = grpcStatusName(status);
        line.text(member, name.ptr, name.len);
      }
      break;
    }
    case Field.BytesReceived: {
      line.number(member, max<i64>(getNumber(REQUEST_SIZE), 0));
      break;
    }
    case Field.BytesSent: {
      line.number(member, max<i64>(getNumber(RESPONSE_SIZE), 0));
      break;
    }
    case Field.DownstreamLocalAddress: {
      writeProperty(line, member, DESTINATION_ADDRESS);
      break;
    }
    case Field.DownstreamRemoteAddress: {
      writeProperty(line, member, SOURCE_ADDRESS);
      break;
    }
    case Field.UpstreamHost: {
      writeProperty(line, member, UPSTREAM_ADDRESS);
      break;
    }
    case Field.UpstreamTime: {
      writeUpstreamTime(line, member);
      break;
    }
    default:
      line.text(member, hostname.ptr, hostname.len);
  }
}

function writeProperty(line: LineWriter, member: Member, path: Bytes): void {
  const len = getProperty(path);
  if (len > 0) line.text(member, propertyValue(), len);
}

function writeUpstreamTime(line: LineWriter, member: Member): void {
  const len = getHeader(RESPONSE_HEADERS, UPSTREAM_SERVICE_TIME);
  let milliseconds: u64 = 0;
  for (let i: i32 = 0; i < len; i++) {
    const digit = load<u8>(headerValue() + i) - Char._0;
    if (digit > 9) return;
    milliseconds = milliseconds * 10 + digit;
  }
  if (len > 0) line.number(member, milliseconds);
}
