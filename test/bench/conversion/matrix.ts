import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, wasmFilter } from "../../../tools/envoy/bootstrap.ts";
import type { EnvoySource } from "../../../tools/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../../tools/envoy/process.ts";
import { modulePath } from "../../../tools/wasm/modules.ts";
import { type Load, median, run } from "../load.ts";
import { grpcJsonTranscoder } from "../native.ts";
import { type Backend, startBackend } from "./backend.ts";
import {
  type Case,
  DATA,
  DIRECTIONS,
  grpcReply,
  ModelInferRequest,
  protobufRequest,
  restReply,
  restRequest,
  SIZES,
  type Tensor,
  tensorOf,
} from "./cases.ts";
import { resetPeak, residentBytes } from "./memory.ts";

/** Every case when `full`; else each size with floats of six digits, each kind of data at 0.6 MB, 17 digits at 7.12 MB. */
export function casesOf(full: boolean): Case[] {
  const all = DIRECTIONS.flatMap((direction) =>
    DATA.flatMap((data) => SIZES.map((size) => ({ direction, data, size }))),
  );
  return all.filter(
    ({ data, size }) =>
      full || data === "FP32, 6 digits" || size === 0.6e6 || (data === "FP32, 17 digits" && size === 7.12e6),
  );
}

type VariantName =
  | "plain proxy"
  | "grpc_json_transcoder"
  | "Rust filter, serde_json"
  | "protocol-conversion.wasm";

export interface Latency {
  p50: number;
  p99: number;
}

export interface ConversionRow {
  variant: VariantName;
  /** CPU microseconds of Envoy per request over one connection, and what is more than the plain proxy's: medians. */
  cpuMicroseconds: number;
  added: number;
  /** Microseconds, over one connection and over 32 of them. */
  alone: Latency;
  crowded: Latency;
  /** Bytes that each of 32 requests at a time adds to Envoy's resident memory at most, for its body. */
  peakBytes: number;
  /** The same for a request and its connection when both bodies are tiny: `peakBytes` comes on top of it. */
  connectionBytes: number;
}

export interface ConversionTable extends Case {
  jsonBytes: number;
  rows: ConversionRow[];
}

const CONNECTIONS = 32;
const BUFFER_BYTES = 64 * 1024 * 1024;
const REST_PATH = "/v2/models/bench/infer";
const GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer";
const TINY: Case = { direction: "JSON -> gRPC", data: "FP32, 6 digits", size: 120 };

interface Variant {
  name: VariantName;
  filters: object[];
  path: string;
  /** It needs a whole body at once. */
  buffers?: boolean;
  /** JSON of the request. */
  body: string;
  grpcReply: Buffer;
  /** The same of a request and a reply that are both tiny. */
  tiny: Pick<Variant, "body" | "grpcReply">;
}

/** Measures one case with fresh Envoys side by side; each round visits them in turn. */
export async function measureCase(
  envoy: EnvoySource,
  each: Case,
  rounds: number,
  rustModule: string | undefined,
): Promise<ConversionTable> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
  const backend = await startBackend();
  const running: RunningEnvoy[] = [];
  try {
    const tensor = tensorOf(each);
    const variants = variantsOf(each, tensor, rustModule);
    backend.plainReply = each.direction === "gRPC -> JSON" ? restReply(tensor) : Buffer.from("ok");
    const jsonBytes =
      each.direction === "gRPC -> JSON" ? backend.plainReply.length : restRequest(tensor).length;
    const samples: Sample[] = [];
    for (const [i, variant] of variants.entries()) {
      const bodyFile = join(folder, `${i}.json`);
      const tinyFile = join(folder, `${i}-tiny.json`);
      await writeFile(bodyFile, variant.body);
      await writeFile(tinyFile, variant.tiny.body);
      const gateway = await startEnvoy({ envoy, concurrency: 1, bootstrap: configOf(variant, backend) });
      running.push(gateway);
      const load = { path: variant.path, headers: HEADERS, bodyFile };
      const memory = await measureMemory(gateway, variant, backend, load, tinyFile);
      await check(gateway, variant, backend, each, tensor);
      samples.push({ variant, gateway, load, memory, cpus: [], alone: [], crowded: [] });
    }
    const requests = Math.min(2000, Math.max(10, Math.round(40e6 / each.size)));
    for (let round = 0; round <= rounds; round++) {
      for (const { variant, gateway, load, cpus, alone } of samples) {
        backend.grpcReply = variant.grpcReply;
        const measured = await run(gateway, { ...load, requests, connections: 1, latencies: true });
        if (round === 0) continue;
        cpus.push(measured.cpuMicroseconds);
        alone.push(...(measured.latencies ?? []));
      }
    }
    for (const { variant, gateway, load, crowded } of samples) {
      backend.grpcReply = variant.grpcReply;
      const many = { ...load, requests: Math.max(requests, CONNECTIONS), connections: CONNECTIONS };
      crowded.push(...((await run(gateway, { ...many, latencies: true })).latencies ?? []));
    }
    const base = (samples[0] as Sample).cpus;
    const rows = samples.map(({ variant, cpus, alone, crowded, memory }) => ({
      variant: variant.name,
      cpuMicroseconds: median(cpus),
      added: median(cpus.map((cpu, round) => cpu - (base[round] as number))),
      alone: latencyOf(alone),
      crowded: latencyOf(crowded),
      ...memory,
    }));
    return { ...each, jsonBytes, rows };
  } finally {
    await Promise.all(running.map((gateway) => gateway.stop()));
    backend.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const HEADERS = { taskid: "666", "content-type": "application/json" };

interface Sample {
  variant: Variant;
  gateway: RunningEnvoy;
  load: Omit<Load, "requests" | "connections">;
  memory: Pick<ConversionRow, "peakBytes" | "connectionBytes">;
  cpus: number[];
  alone: number[];
  crowded: number[];
}

/** Requests have the tensor and replies a tiny one, or the other way round. */
function variantsOf({ direction }: Case, tensor: Tensor, rustModule: string | undefined): Variant[] {
  const tiny = tensorOf(TINY);
  const [asked, answered] = direction === "JSON -> gRPC" ? [tensor, tiny] : [tiny, tensor];
  const rest = {
    path: REST_PATH,
    body: restRequest(asked),
    grpcReply: grpcReply(answered, true),
    tiny: { body: restRequest(tiny), grpcReply: grpcReply(tiny, true) },
  };
  const config = { protocolConversion: { tasks: [{ taskid: "666" }], maxMemoryBytes: 1024 ** 3 } };
  const module = wasmFilter("protocol-conversion", modulePath("protocol-conversion"), config);
  const rust = rustModule && { ...rest, buffers: true, filters: [wasmFilter("serde-json", rustModule, {})] };
  return [
    { ...rest, name: "plain proxy", filters: [] },
    {
      name: "grpc_json_transcoder",
      filters: [grpcJsonTranscoder()],
      buffers: true,
      path: GRPC_PATH,
      body: protobufRequest(asked),
      grpcReply: grpcReply(answered, false),
      tiny: { body: protobufRequest(tiny), grpcReply: grpcReply(tiny, false) },
    },
    ...(rust ? [{ ...rust, name: "Rust filter, serde_json" as const }] : []),
    { ...rest, name: "protocol-conversion.wasm", filters: [module] },
  ];
}

interface Listener {
  per_connection_buffer_limit_bytes?: number;
  filter_chains: {
    filters: {
      typed_config: { route_config: { virtual_hosts: { routes: { route: { timeout: string } }[] }[] } };
    }[];
  }[];
}

function configOf({ buffers, filters }: Variant, backend: Backend): object {
  const config = bootstrap({ tasks: [{ taskid: "666", port: backend.port }], filters });
  const { listeners } = (config as { static_resources: { listeners: Listener[] } }).static_resources;
  const listener = listeners[0] as Listener;
  // Many large bodies at a time wait for each other, the longer the busier the machine is.
  for (const { filters: network } of listener.filter_chains) {
    for (const { routes } of network[0]?.typed_config.route_config.virtual_hosts ?? []) {
      for (const { route } of routes) route.timeout = "0s";
    }
  }
  if (buffers) listener.per_connection_buffer_limit_bytes = BUFFER_BYTES;
  return config;
}

/** @throws Error when a variant does not do what is measured */
async function check(
  { port }: RunningEnvoy,
  { name, path, body, grpcReply }: Variant,
  backend: Backend,
  { direction }: Case,
  tensor: Tensor,
): Promise<void> {
  backend.grpcReply = grpcReply;
  backend.keep = true;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers: HEADERS, body });
  const text = await response.text();
  backend.keep = false;
  if (response.status !== 200) throw new Error(`${name} answers ${response.status}: ${text.slice(0, 200)}`);
  if (name === "plain proxy") return;
  if (direction === "JSON -> gRPC") {
    const message = ModelInferRequest.deserialize(backend.last.subarray(5));
    const raw = message.raw_input_contents[0];
    const field = Object.keys(tensor.typed)[0] as string;
    const same = raw ? raw.equals(tensor.raw) : message.inputs[0]?.contents?.[field]?.length === tensor.count;
    if (!same) throw new Error(`${name} does not send the tensor`);
  } else {
    const output = JSON.parse(text).outputs[0];
    const elements: unknown[] = output.data ?? Object.values(output.contents)[0];
    if (elements.length !== tensor.count) throw new Error(`${name} does not answer with the tensor`);
  }
}

/** Of a fresh Envoy: what it takes for a crowd of tiny requests stays with it, so that a crowd of large ones shows bodies. */
async function measureMemory(
  gateway: RunningEnvoy,
  { grpcReply, tiny }: Variant,
  backend: Backend,
  load: Omit<Load, "requests" | "connections">,
  tinyFile: string,
): Promise<Sample["memory"]> {
  const { plainReply } = backend;
  backend.grpcReply = tiny.grpcReply;
  backend.plainReply = Buffer.from("ok");
  await run(gateway, { ...load, bodyFile: tinyFile, requests: 1, connections: 1 });
  const connectionBytes = await peakOfCrowd(gateway, { ...load, bodyFile: tinyFile });
  backend.grpcReply = grpcReply;
  backend.plainReply = plainReply;
  return { connectionBytes, peakBytes: await peakOfCrowd(gateway, load) };
}

async function peakOfCrowd(
  gateway: RunningEnvoy,
  load: Omit<Load, "requests" | "connections">,
): Promise<number> {
  const { pid } = gateway;
  if (pid === undefined) throw new Error("memory is measured of a process, not of a container: give --envoy");
  await resetPeak(pid);
  const before = await residentBytes(pid);
  await run(gateway, { ...load, requests: CONNECTIONS, connections: CONNECTIONS });
  return ((await residentBytes(pid)).peak - before.now) / CONNECTIONS;
}

function latencyOf(values: number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}
