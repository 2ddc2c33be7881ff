import { proxy_log } from "@solo-io/proxy-runtime/assembly/imports";
import { RESULT } from "./arena";
import { proxy_get_log_level } from "./env";

export enum LogLevel {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
  Critical,
}

/** Does the host's log show this level? Ask before composing an expensive message. */
export function logs(level: LogLevel): bool {
  return proxy_get_log_level(RESULT) != 0 || load<i32>(RESULT) <= level;
}

/**
 * Writes `message` to the host's log. Allocates: for start, configuration and faults, never for a healthy
 * request.
 */
export function log(level: LogLevel, message: string): void {
  const text = String.UTF8.encode(message);
  proxy_log(level, changetype<usize>(text), text.byteLength);
}
