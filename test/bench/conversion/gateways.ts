import { bootstrap, wasmFilter } from "../../../tools/lib/envoy/bootstrap.ts";
import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";
import { startEnvoy } from "../../../tools/lib/envoy/process.ts";
import { modulePath } from "../../../tools/lib/wasm/modules.ts";
import { forLargeBodies } from "../large-bodies.ts";
import { grpcJsonTranscoder } from "../native.ts";
import { type RunningGateway, startArmeriaGateway } from "../peers/armeria-gateway.ts";
import type { Backend } from "./backend.ts";
import { type Case, grpcReply, protobufRequest, restRequest, type Tensor, tensorOf } from "./cases.ts";

export type VariantName =
  | "plain proxy"
  | "grpc_json_transcoder"
  | "Rust filter, serde_json"
  | "JVM gateway, Armeria"
  | "protocol-conversion.wasm";

/** What is measured beside ours, where this machine could build it. */
export interface Peers {
  envoy: EnvoySource;
  /** Module of the Rust filter. */
  rust?: string | undefined;
  /** Folder of the gateway on the JVM. */
  armeria?: string | undefined;
}

export interface Variant {
  name: VariantName;
  path: string;
  /** JSON of the request. */
  body: string;
  grpcReply: Buffer;
  /** The same of a request and a reply that are both tiny. */
  tiny: Pick<Variant, "body" | "grpcReply">;
  /** Compiles itself as it runs, so that it must run for a while before it is measured. */
  warmsUp?: boolean;
  start(backend: Backend): Promise<RunningGateway>;
}

const BUFFER_BYTES = 64 * 1024 * 1024;
const REST_PATH = "/v2/models/bench/infer";
const GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer";
const TINY: Case = { direction: "JSON -> gRPC", data: "FP32, 6 digits", size: 120 };

/**
 * Requests have the tensor and replies a tiny one, or the other way round. Transcoders, of Envoy and of Armeria, take the
 * JSON of protobuf, where a tensor's elements stand in the field of their type; the others that of the protocol.
 */
export function variantsOf({ direction }: Case, tensor: Tensor, { envoy, rust, armeria }: Peers): Variant[] {
  const tiny = tensorOf(TINY);
  const [asked, answered] = direction === "JSON -> gRPC" ? [tensor, tiny] : [tiny, tensor];
  const rest = {
    path: REST_PATH,
    body: restRequest(asked),
    grpcReply: grpcReply(answered, true),
    tiny: { body: restRequest(tiny), grpcReply: grpcReply(tiny, true) },
  };
  const transcoded = {
    body: protobufRequest(asked),
    grpcReply: grpcReply(answered, false),
    tiny: { body: protobufRequest(tiny), grpcReply: grpcReply(tiny, false) },
  };
  const config = { protocolConversion: { tasks: [{ taskid: "666" }], maxMemoryBytes: 1024 ** 3 } };
  const own = wasmFilter("protocol-conversion", modulePath("protocol-conversion"), config);
  const envoyWith = (filters: object[], buffers: boolean) => (backend: Backend) =>
    startEnvoy({ envoy, concurrency: 1, bootstrap: configOf(filters, buffers, backend) });
  const variants: Variant[] = [
    { ...rest, name: "plain proxy", start: envoyWith([], false) },
    {
      ...transcoded,
      name: "grpc_json_transcoder",
      path: GRPC_PATH,
      start: envoyWith([grpcJsonTranscoder()], true),
    },
  ];
  if (rust) {
    const start = envoyWith([wasmFilter("serde-json", rust, {})], true);
    variants.push({ ...rest, name: "Rust filter, serde_json", start });
  }
  if (armeria) {
    const start = ({ port }: Backend) => startArmeriaGateway(armeria, port);
    variants.push({ ...transcoded, name: "JVM gateway, Armeria", path: REST_PATH, warmsUp: true, start });
  }
  variants.push({ ...rest, name: "protocol-conversion.wasm", start: envoyWith([own], false) });
  return variants;
}

/** @param buffers a filter needs a whole body at once */
function configOf(filters: object[], buffers: boolean, backend: Backend): object {
  const config = bootstrap({ tasks: [{ taskid: "666", port: backend.port }], filters });
  return forLargeBodies(config, buffers ? BUFFER_BYTES : undefined);
}
