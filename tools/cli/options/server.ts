import { once } from "node:events";
import { InvalidArgumentError, Option } from "commander";
import { type Logger, pino } from "pino";
import { stopSignal } from "../../lib/stop-signal.ts";
import { escapeControls } from "../../lib/terminal/escape.ts";

/** Where a server listens. */
export type Address = { host: string; port: number };

/** JSON lines on stderr. */
export function serverLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      hooks: { streamWrite: escapeControls },
    },
    pino.destination(2),
  );
}

export function logLevelOption(): Option {
  return new Option("--log-level <level>", "lowest severity to log")
    .choices(["debug", "info", "warn", "error"])
    .default("info");
}

/** Resolves at the first SIGTERM or SIGINT. */
export async function untilStopped(): Promise<void> {
  await once(stopSignal(), "abort");
}

/**
 * What a server is when it has started. A signal ends the process before that too, at once: what starts may
 * wait for a cluster that never answers, and no caller depends on it yet.
 * @param stopped of `untilStopped`
 */
export async function unlessStopped<T>(
  starting: Promise<T>,
  stopped: Promise<void>,
  log: Logger,
): Promise<T> {
  const started = await Promise.race([starting.then((server) => ({ server })), stopped]);
  if (started) return started.server;
  log.info("stopped while it started");
  process.exit(0);
}

/** Parses host:port; without a host, all of this machine's addresses. */
export function address(text: string): Address {
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError("must be host:port, such as 127.0.0.1:8090");
  return { host: host.replace(/^\[|\]$/g, "") || "0.0.0.0", port: Number(port) };
}

/** Whether only this machine can connect to an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
