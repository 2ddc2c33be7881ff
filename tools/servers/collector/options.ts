import type { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { Tls } from "../http/listener.ts";
import type { ExportOptions } from "./exports/start.ts";
import type { ReaderTokens } from "./http/reader-tokens.ts";
import type { SenderTokens } from "./http/sender-tokens.ts";

export interface CollectorOptions {
  /** Folder of the store; made when it is not there. */
  folder: string;
  listen: { host: string; port: number };
  /** Address of a trace in Jaeger, Tempo or the like, with `{trace_id}` in place of its id; for the page. */
  traceUrl?: string | undefined;
  /** Controllers whose budgets the page shows, by their addresses. Default: none. */
  controllerUrls?: string[] | undefined;
  /** Names that readers may call it by, beside its machine's. */
  allowHosts?: string[] | undefined;
  /** Another address, where only batches are taken: for senders that may not read. */
  listenBatches?: { host: string; port: number } | undefined;
  tls?: Tls | undefined;
  /** What readers must have, and which tenants they see by it. Default: anybody sees all. */
  readerTokens?: ReaderTokens | undefined;
  /** What senders of batches must have. Default: anybody may send. */
  senderTokens?: SenderTokens | undefined;
  /** How often the files of tokens are read again, in milliseconds. */
  tokensMs?: number;
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
