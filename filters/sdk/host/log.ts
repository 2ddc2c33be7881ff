import { proxy_log } from "@solo-io/proxy-runtime/assembly/imports";

export enum LogLevel {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
  Critical,
}

/**
 * Writes `message` to the host's log. Allocates: for start, configuration and faults, never for a healthy
 * request.
 */
export function log(level: LogLevel, message: string): void {
  const text = String.UTF8.encode(message);
  proxy_log(level, changetype<usize>(text), text.byteLength);
}
