import { once } from "node:events";
import type { RecordableHistogram } from "node:perf_hooks";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { constantRate, openLoop } from "../../../tools/serving/loadtest/open-loop.ts";
import { GrpcConnection } from "../../../tools/serving/model-client/grpc-connection.ts";
import { HttpConnection } from "../../../tools/serving/model-client/http-connection.ts";
import type { Request } from "./requests.ts";

export interface OpenLoad {
  port: number;
  /** A gRPC call goes over `connections` HTTP/2 connections, others over as many of HTTP/1.1 as it takes. */
  grpc: boolean;
  connections: number;
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
  perSecond: number;
  seconds: number;
}

export interface OpenLoopResult {
  failed: number;
  /** What the first failure was. */
  reason: string;
  /** Microseconds from when a request was to be sent to its whole answer. */
  latencies: RecordableHistogram;
  /** How late the generator itself sent. */
  lateness: RecordableHistogram;
}

const TIMEOUT_MS = 30_000;

/** Sends at a constant rate whatever the answers, in a thread of its own: h2load counts latency from when it came to send. */
export async function runOpenLoop(load: OpenLoad): Promise<OpenLoopResult> {
  const worker = new Worker(new URL(import.meta.url), { workerData: load });
  const [result] = (await once(worker, "message")) as [OpenLoopResult];
  await worker.terminate();
  return result;
}

export function openLoad(port: number, call: string, request: Request, connections: number) {
  const { path, headers, body } = request;
  return { port, grpc: call === "gRPC", connections, path, headers, body };
}

async function generate(load: OpenLoad): Promise<OpenLoopResult> {
  const { port, grpc, connections, path, headers, body, perSecond, seconds } = load;
  const origin = `http://127.0.0.1:${port}`;
  const connection = grpc ? new GrpcConnection(origin, connections) : new HttpConnection(origin);
  const bytes = Buffer.from(body ?? []);
  const request = {
    ...{ protocol: grpc ? ("grpc" as const) : ("http" as const), path, headers },
    ...{ method: body ? ("POST" as const) : ("GET" as const), payload: grpc ? bytes.subarray(5) : bytes },
  };
  const { failed, failures, latencies, lateness } = await openLoop({
    ...{ connection, requests: [request], timeoutMs: TIMEOUT_MS, schedule: constantRate(perSecond, seconds) },
  });
  connection.close();
  return { failed, reason: [...failures.keys()][0] ?? "", latencies, lateness };
}

if (!isMainThread && parentPort) parentPort.postMessage(await generate(workerData as OpenLoad));
