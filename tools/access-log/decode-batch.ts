import { fileURLToPath } from "node:url";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

/** A line of the access log, by the names of filters/access-log/README.md. */
export type LogLine = Record<string, unknown>;

interface Batch {
  lines: (Record<string, unknown> & { start_time?: number; phases?: Record<string, number> })[];
}

const definitions = loadSync(fileURLToPath(new URL("../../proto/access_log.proto", import.meta.url)), {
  keepCase: true,
  longs: Number,
});
const batchType = definitions["modelgate.accesslog.v1.Batch"] as MessageTypeDefinition<object, Batch>;

/**
 * The lines of a batch of protobuf (proto/access_log.proto), as those of a batch of JSON would be: times in RFC 3339, text for bytes,
 * microseconds for phases. @throws Error when it is none
 */
export function decodeBatch(batch: Buffer): LogLine[] {
  return batchType.deserialize(batch).lines.map((line) => {
    const entries = Object.entries(line).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString() : value,
    ]);
    const { start_time, phases, ...others } = Object.fromEntries(entries);
    return {
      ...(start_time !== undefined && { start_time: new Date(start_time).toISOString() }),
      ...others,
      ...(phases && { phases: microseconds(phases) }),
    };
  });
}

/** Of nanoseconds, one digit after the point. */
function microseconds(phases: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(phases).map(([name, nanos]) => [name, Math.floor(nanos / 100) / 10]),
  );
}
