import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Load, median, run } from "../load.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";
import { type Backend, startBackend } from "./backend.ts";
import {
  type Case,
  DATA,
  DIRECTIONS,
  holdsTensor,
  restReply,
  restRequest,
  SIZES,
  type Tensor,
  tensorOf,
} from "./cases.ts";
import { type Peers, type Variant, type VariantName, variantsOf } from "./gateways.ts";
import { resetPeak, residentBytes } from "./memory.ts";
import { warmUp } from "./warm-up.ts";

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

export interface Latency {
  p50: number;
  p99: number;
}

export interface ConversionRow {
  variant: VariantName;
  /** CPU microseconds of the process per request over one connection, and what is more than the plain proxy's: medians. */
  cpuMicroseconds: number;
  added: number;
  /** Microseconds, over one connection and over 32 of them. */
  alone: Latency;
  crowded: Latency;
  /** Resident memory of the process at most, with 32 requests at a time. */
  residentBytes: number;
  /** Bytes that each of these adds to it, for its body. */
  peakBytes: number;
  /** The same for a request and its connection when both bodies are tiny: `peakBytes` comes on top of it. */
  connectionBytes: number;
}

export interface ConversionTable extends Case {
  jsonBytes: number;
  rows: ConversionRow[];
}

export const CONNECTIONS = 32;

/** Measures one case with fresh gateways side by side; each round visits them in turn. */
export async function measureCase(each: Case, rounds: number, peers: Peers): Promise<ConversionTable> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
  const backend = await startBackend();
  const running: RunningGateway[] = [];
  try {
    const tensor = tensorOf(each);
    const variants = variantsOf(each, tensor, peers);
    backend.plainReply = each.direction === "gRPC -> JSON" ? restReply(tensor) : Buffer.from("ok");
    const jsonBytes =
      each.direction === "gRPC -> JSON" ? backend.plainReply.length : restRequest(tensor).length;
    const samples: Sample[] = [];
    for (const [i, variant] of variants.entries()) {
      const bodyFile = join(folder, `${i}.json`);
      const tinyFile = join(folder, `${i}-tiny.json`);
      await writeFile(bodyFile, variant.body);
      await writeFile(tinyFile, variant.tiny.body);
      const gateway = await variant.start(backend);
      running.push(gateway);
      const load = { path: variant.path, headers: HEADERS, bodyFile };
      const memory = await measureMemory(gateway, variant, backend, load, tinyFile);
      await check(gateway, variant, backend, each, tensor);
      samples.push({ variant, gateway, load, memory, cpus: [], alone: [], crowded: [] });
      if (variant.warmsUp) await warmUp(gateway, load);
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
  gateway: RunningGateway;
  load: Omit<Load, "requests" | "connections">;
  memory: Pick<ConversionRow, "residentBytes" | "peakBytes" | "connectionBytes">;
  cpus: number[];
  alone: number[];
  crowded: number[];
}

/** @throws Error when a variant does not do what is measured */
async function check(
  { port }: RunningGateway,
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
    if (!holdsTensor(backend.last, tensor)) throw new Error(`${name} does not send the tensor`);
  } else {
    const output = JSON.parse(text).outputs[0];
    const elements: unknown[] = output.data ?? Object.values(output.contents)[0];
    if (elements.length !== tensor.count) throw new Error(`${name} does not answer with the tensor`);
  }
}

/**
 * Of a gateway that is fresh: what it takes for a crowd of tiny requests stays with it, so that a crowd of large ones shows
 * bodies.
 */
async function measureMemory(
  gateway: RunningGateway,
  { grpcReply, tiny }: Variant,
  backend: Backend,
  load: Omit<Load, "requests" | "connections">,
  tinyFile: string,
): Promise<Sample["memory"]> {
  const { plainReply } = backend;
  const tinyLoad = { ...load, bodyFile: tinyFile };
  backend.grpcReply = tiny.grpcReply;
  backend.plainReply = Buffer.from("ok");
  await run(gateway, { ...tinyLoad, requests: 1, connections: 1 });
  const { added: connectionBytes } = await peakOfCrowd(gateway, tinyLoad);
  backend.grpcReply = grpcReply;
  backend.plainReply = plainReply;
  const { peak, added } = await peakOfCrowd(gateway, load);
  return { residentBytes: peak, peakBytes: added, connectionBytes };
}

/** @returns resident bytes at most, and what each request of a crowd adds to them */
async function peakOfCrowd(
  gateway: RunningGateway,
  load: Omit<Load, "requests" | "connections">,
): Promise<{ peak: number; added: number }> {
  const { pid } = gateway;
  if (pid === undefined) throw new Error("memory is measured of a process, not of a container: give --envoy");
  await resetPeak(pid);
  const before = await residentBytes(pid);
  await run(gateway, { ...load, requests: CONNECTIONS, connections: CONNECTIONS });
  const { peak } = await residentBytes(pid);
  return { peak, added: (peak - before.now) / CONNECTIONS };
}

function latencyOf(values: number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number;
  return { p50: at(0.5), p99: at(0.99) };
}
