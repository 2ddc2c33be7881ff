import { proxy_log } from "@solo-io/proxy-runtime/assembly/imports";
import { RESULT } from "./arena";
import { proxy_get_log_level } from "./env";

export type LogLevel = i32;
export const TRACE: LogLevel = 0;
export const DEBUG: LogLevel = 1;
export const INFO: LogLevel = 2;
export const WARN: LogLevel = 3;
export const ERROR: LogLevel = 4;
export const CRITICAL: LogLevel = 5;

/** Does the host's log show this level? Ask before composing an expensive message. */
export function logs(level: LogLevel): bool {
  return proxy_get_log_level(RESULT) != 0 || load<i32>(RESULT) <= level;
}

/** Writes `message` to the host's log. Allocates: for start, configuration and faults, never for a healthy request. */
export function log(level: LogLevel, message: string): void {
  const text = String.UTF8.encode(message);
  proxy_log(level, changetype<usize>(text), text.byteLength);
}
