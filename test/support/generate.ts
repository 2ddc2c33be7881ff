import protobuf from "protobufjs";
import type { Stream } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { frame, ModelInferRequest } from "./conversion.ts";

/** Triton's generate extension in the Node host: the gateway asks a model server what the model takes. */

const inspection = protobuf.loadSync(new URL("proto/model_inspection.proto", PROJECT_ROOT).pathname);
const openInference = protobuf.loadSync(new URL("proto/open_inference.proto", PROJECT_ROOT).pathname);
export const ModelConfigResponse = inspection.lookupType("inference.ModelConfigResponse");
export const ModelMetadataResponse = openInference.lookupType("inference.ModelMetadataResponse");

/** As in Triton's model configuration. */
export interface Config {
  maxBatchSize?: number;
  input: { name: string; dataType: string; dims: number[] }[];
  decoupled?: boolean;
}

/** A language model, and how callers of OpenAI's API reach it: `openAi` of its task. */
export const LANGUAGE_MODEL: Config = {
  decoupled: true,
  input: [
    { name: "text_input", dataType: "TYPE_STRING", dims: [-1] },
    { name: "stream", dataType: "TYPE_BOOL", dims: [1] },
    { name: "max_tokens", dataType: "TYPE_INT32", dims: [1] },
    { name: "temp", dataType: "TYPE_FP32", dims: [1] },
    { name: "stop", dataType: "TYPE_STRING", dims: [-1] },
  ],
};
export const OPEN_AI = {
  model: "llm",
  parameters: [{ name: "temperature", tensor: "temp" }],
  finishReason: "finish_reason",
  promptTokens: "prompt_tokens",
  completionTokens: "tokens",
  chat: { before: "<s>", message: "<|{role}|>{content}</s>", after: "<|assistant|>" },
};

const CLUSTER = "xds\0cluster_name";
const OK: [string, string][] = [["grpc-status", "0"]];

export function configReply({ decoupled, ...config }: Config): Buffer {
  const message = ModelConfigResponse.fromObject({
    config: { ...config, ...(decoupled && { modelTransactionPolicy: { decoupled } }) },
  });
  return frame(ModelConfigResponse.encode(message).finish());
}

/** Opens a request to `generate`, and answers what the gateway asks of the model server, if it does. */
export function openGenerate(vm: Vm, config: Config, path = "/v2/models/m/generate"): Stream {
  vm.process.properties.set(CLUSTER, "outbound|8001||m");
  const stream = vm.open({ ":method": "POST", ":path": path, taskid: "1" });
  if (vm.callouts.length > 0) vm.answerCallout(200, configReply(config), OK);
  vm.stream = stream;
  return stream;
}

export interface Sent {
  id: string;
  parameters: Record<string, unknown>;
  inputs: Record<string, { datatype: string; shape: number[]; data: Buffer }>;
}

/** What a gRPC body tells the model. */
export function sentOf(bytes: Uint8Array): Sent {
  const body = Buffer.from(bytes);
  if (body.readUInt32BE(1) !== body.length - 5) throw new Error("the frame's length is wrong");
  const options = { longs: Number, arrays: true, defaults: true, objects: true, oneofs: true };
  const message = ModelInferRequest.toObject(ModelInferRequest.decode(body.subarray(5)), options);
  const parameters = Object.entries<Record<string, unknown>>(message.parameters).map(([name, value]) => [
    name,
    value[String(value.parameterChoice)],
  ]);
  const inputs = (message.inputs as { name: string; datatype: string; shape: number[] }[]).map(
    ({ name, datatype, shape }, i) => [
      name,
      { datatype, shape, data: Buffer.from(message.rawInputContents[i]) },
    ],
  );
  return {
    id: message.id,
    parameters: Object.fromEntries(parameters),
    inputs: Object.fromEntries(inputs),
  };
}

/** Elements of BYTES. */
export function textsOf(data: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt32LE(at);
    texts.push(data.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}
