import { fileURLToPath } from "node:url";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import protobuf from "protobufjs";

/** A line of the access log, by the names of filters/access-log/README.md. */
type LogLine = Record<string, unknown>;

interface Line extends Record<string, unknown> {
  start_time?: number;
  phases?: Record<string, number>;
}

/** The tag of `Batch.lines`: field 1, with a length. */
const LINES_TAG = 0x0a;
/** The last moment that Date has. */
const LAST_TIME = 8.64e15;

const definitions = loadSync(fileURLToPath(new URL("../../../proto/access_log.proto", import.meta.url)), {
  keepCase: true,
  longs: Number,
});
const lineType = definitions["modelgate.accesslog.v1.Line"] as MessageTypeDefinition<object, Line>;

/**
 * The lines of a batch of protobuf (proto/access_log.proto), as those of a batch of JSON would be: times in
 * RFC 3339, text for bytes, microseconds for phases. One at a time: a few bytes are a line already. @throws
 * Error when it is none
 */
export function* decodeBatch(batch: Buffer): Generator<LogLine> {
  const reader = protobuf.Reader.create(batch);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === LINES_TAG) yield toLogLine(lineType.deserialize(Buffer.from(reader.bytes())));
    else reader.skipType(tag & 7);
  }
}

function toLogLine(line: Line): LogLine {
  const entries = Object.entries(line).map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? value.toString() : value,
  ]);
  const { start_time = Number.NaN, phases, ...others } = Object.fromEntries(entries);
  return {
    ...(start_time <= LAST_TIME && { start_time: new Date(start_time).toISOString() }),
    ...others,
    ...(phases && { phases: microseconds(phases) }),
  };
}

/** Of nanoseconds, one digit after the point. */
function microseconds(phases: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(phases).map(([name, nanos]) => [name, Math.floor(nanos / 100) / 10]),
  );
}
