import type { HrTime } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";

/** What sends the lines and metrics, for OpenTelemetry. */
export const RESOURCE = { attributes: { "service.name": "modelgate-gateway" } } as unknown as Resource;
export const SCOPE = { name: "modelgate.dev/access-log" };
export const PROTOBUF = "application/x-protobuf";

/** Milliseconds since the epoch as seconds and nanoseconds. */
export function hrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000);
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1e6)];
}
