import { createHash } from "node:crypto";

/**
 * Topics of the stream job's results (manifests/stream/results-in-kafka.sql); the indices have their names.
 */
export const RESULT_TOPICS = [
  "modelgate-traffic",
  "modelgate-outcomes",
  "modelgate-latency",
  "modelgate-model-calls",
  "modelgate-token-times",
  "modelgate-late-lines",
] as const;

/** Bytes that an id may have. */
const LONGEST_ID = 512;

/** A message of Kafka; a value that is missing takes its document away. */
interface Result {
  topic: string;
  partition: number;
  offset: bigint;
  key: Buffer | undefined;
  value: Buffer | undefined;
}

/**
 * The operation of Elasticsearch's bulk interface that a result is. What the job computes again has the same
 * key, and so the same id: it overwrites.
 * @returns undefined for what is no JSON object
 */
export function operationOf(result: Result): string | undefined {
  const { topic, key, value } = result;
  const document = objectOf(value);
  if (value !== undefined && value.length > 0 && document === undefined) return undefined;
  const target = { _index: topic, _id: idOf(objectOf(key) ?? ownKey(document), result) };
  if (document === undefined) return `${JSON.stringify({ delete: target })}\n`;
  return `${JSON.stringify({ index: target })}\n${JSON.stringify(document)}\n`;
}

/** The values of the key, as Flink's connector writes the id of a document. */
function idOf(key: object | undefined, { partition, offset }: Result): string {
  if (key === undefined) return `${partition}-${offset}`;
  const id = Object.values(key).join("|");
  return Buffer.byteLength(id) <= LONGEST_ID ? id : createHash("sha256").update(id).digest("base64url");
}

/** Lines that came too late have no key: the same request is the same document. */
function ownKey(document: Record<string, unknown> | undefined): object | undefined {
  const { request_id, start_time, hostname } = document ?? {};
  return request_id ? { request_id, start_time, hostname } : undefined;
}

function objectOf(json: Buffer | undefined): Record<string, unknown> | undefined {
  if (json === undefined || json.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(json.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
