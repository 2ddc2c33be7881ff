import type { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { Tls } from "../http/listener.ts";
import type { ExportOptions } from "./exports/start.ts";
import type { SenderTokens } from "./http/sender-tokens.ts";

export interface CollectorOptions {
  /** Folder of the store; made when it is not there. */
  folder: string;
  listen: { host: string; port: number };
  /** Names that readers may call it by, beside its machine's. */
  allowHosts?: string[] | undefined;
  /** Another address, where only batches are taken: for senders that may not read. */
  listenBatches?: { host: string; port: number } | undefined;
  tls?: Tls | undefined;
  /** What senders of batches must have. Default: anybody may send. */
  senderTokens?: SenderTokens | undefined;
  /** How often their file is read again, in milliseconds. */
  senderTokensMs?: number;
  /** Files to follow. */
  globs: string[];
  /** How long lines and traffic are kept, in milliseconds. */
  keepMs: number;
  keepMetricsMs: number;
  /** How many bytes of lines are kept, and how many batches may wait on disk. */
  keepBytes: number;
  spoolBytes: number;
  /** How long a line may wait to be committed, in milliseconds. */
  intervalMs: number;
  /** How many series have labels of their own. */
  topSeries: number;
  exports: ExportOptions;
  /** How often metrics go out by OTLP, in milliseconds. */
  otlpMetricsMs: number;
  /** A cluster whose events, rollouts and limits join the time line. */
  cluster?: KubeConfig | undefined;
  log: Logger;
}
