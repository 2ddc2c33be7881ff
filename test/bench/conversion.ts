import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wasmFilter } from "../../tools/envoy/bootstrap.ts";
import { FEATURES } from "../../tools/model-server/linear-model.ts";
import { startModelServer } from "../../tools/model-server/server.ts";
import { modulePath } from "../../tools/wasm/modules.ts";
import { grpcJsonTranscoder } from "./native.ts";
import type { Variant } from "./variants.ts";

export interface ConversionBench {
  variants: Variant[];
  stop(): Promise<void>;
}

const BUFFER_BYTES = 64 * 1024 * 1024;

/**
 * JSON floats of six digits -> ModelInfer, and the scores back, for bodies of about `megabytes`. The plain proxy carries
 * the same JSON to a server that reads it all and answers `ok`.
 */
export async function conversion(megabytes: number): Promise<ConversionBench> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
  const rows = Math.round((megabytes * 1e6) / (FEATURES * 9));
  const data = Array.from({ length: rows * FEATURES }, (_, i) => (((i * 7919) % 900_001) + 100_000) / 1e6);
  const tensor = { name: "x", datatype: "FP32", shape: [rows, FEATURES] };
  const ourBody = join(folder, "open-inference.json");
  const nativeBody = join(folder, "protobuf-json.json");
  await writeFile(ourBody, JSON.stringify({ inputs: [{ ...tensor, data }] }));
  const contents = { fp32Contents: data };
  await writeFile(nativeBody, JSON.stringify({ modelName: "linear", inputs: [{ ...tensor, contents }] }));

  const models = await startModelServer();
  const sink = createServer((request, response) => {
    request.resume();
    request.once("end", () => response.end("ok"));
  }).listen(0, "127.0.0.1");
  await once(sink, "listening");
  const load = { headers: { taskid: "666" }, requests: Math.round(200 / megabytes), connections: 4 };
  const infer = "/v2/models/linear/infer";
  const config = { protocolConversion: { tasks: [{ taskid: "666" }] } };
  return {
    variants: [
      {
        name: "plain proxy, no conversion",
        envoy: { tasks: [{ taskid: "666", port: (sink.address() as AddressInfo).port }], filters: [] },
        load: { ...load, path: infer, bodyFile: ourBody },
      },
      {
        name: "native grpc_json_transcoder",
        envoy: { tasks: [{ taskid: "666", port: models.port }], filters: [grpcJsonTranscoder()] },
        load: {
          ...load,
          headers: { ...load.headers, "content-type": "application/json" },
          path: "/inference.GRPCInferenceService/ModelInfer",
          bodyFile: nativeBody,
        },
        bufferBytes: BUFFER_BYTES,
      },
      {
        name: "protocol-conversion.wasm",
        envoy: {
          tasks: [{ taskid: "666", port: models.port }],
          filters: [wasmFilter("protocol-conversion", modulePath("protocol-conversion"), config)],
        },
        load: { ...load, path: infer, bodyFile: ourBody },
      },
    ],
    async stop() {
      models.stop();
      sink.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
