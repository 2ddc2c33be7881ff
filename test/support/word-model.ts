import grpc from "@grpc/grpc-js";
import { digestOf, KEY } from "./auth.ts";
import { frame, ModelStreamInferResponse } from "./conversion.ts";
import { type Config, ModelConfigResponse, sentOf, textsOf } from "./generate.ts";

/**
 * A decoupled model of the Open Inference Protocol, as Triton serves them: it says the words of its text
 * again, one a reply if a stream is wanted, and fails before the word number FAIL.
 */

const CONFIG: Config = {
  input: [
    { name: "text_input", dataType: "TYPE_STRING", dims: [1] },
    { name: "stream", dataType: "TYPE_BOOL", dims: [1] },
    { name: "max_tokens", dataType: "TYPE_INT32", dims: [1] },
    { name: "FAIL", dataType: "TYPE_INT32", dims: [1] },
  ],
};
const SERVICE = "/inference.GRPCInferenceService/";
const raw = (method: string, streams: boolean) => ({
  path: `${SERVICE}${method}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  responseSerialize: (message: Uint8Array) => Buffer.from(message),
  responseDeserialize: (message: Buffer) => message,
});

const bytesOf = (text: string) => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([size, Buffer.from(text)]);
};
const int = (value: number) => Buffer.from(Int32Array.of(value).buffer);
const tensor = (name: string, datatype: string) => ({ name, datatype, shape: [1] });

/** The messages of its stream for a request. */
function* repliesTo(message: Buffer): Generator<object> {
  const { inputs, parameters } = sentOf(frame(message));
  const number = (name: string, otherwise: number) => inputs[name]?.data.readInt32LE() ?? otherwise;
  const prompt = textsOf(inputs.text_input?.data ?? Buffer.of())[0] ?? "";
  const all = prompt.split(" ");
  const words = all.slice(0, number("max_tokens", all.length));
  const streams = inputs.stream?.data[0] === 1;
  const pieces = streams ? words.map((word, i) => (i === 0 ? word : ` ${word}`)) : [words.join(" ")];
  const marked = (final: boolean) => ({
    modelName: "llm",
    parameters: { triton_final_response: { boolParam: final } },
  });
  for (const [i, piece] of pieces.entries()) {
    if (i === number("FAIL", -1)) {
      yield { errorMessage: "no more words" };
      break;
    }
    const reason = i < pieces.length - 1 ? "" : words.length < all.length ? "length" : "stop";
    yield {
      inferResponse: {
        ...marked(false),
        outputs: [
          tensor("text_output", "BYTES"),
          tensor("finish_reason", "BYTES"),
          tensor("prompt_tokens", "INT32"),
          tensor("tokens", "INT32"),
        ],
        rawOutputContents: [bytesOf(piece), bytesOf(reason), int(all.length), int(i + 1)],
      },
    };
  }
  if (parameters.triton_enable_empty_final_response === true) yield { inferResponse: marked(true) };
}

/** A tenant with KEY whose language model it is. */
export const WORD_MODEL = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: search}
spec:
  namespaces: [search]
  gateway: {name: gateway, namespace: search, hosts: ["*"]}
  credentials: [{id: app, sha256: ${digestOf(KEY)}}]
  tasks: [{task: "*"}]
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: words, namespace: search}
spec:
  taskid: "701"
  tenant: search
  service: {name: words}
  protocol: openai
  openai:
    server: openInference
    models: [word-model]
    servedModel: llm
    tensors:
      finishReason: finish_reason
      promptTokens: prompt_tokens
      completionTokens: tokens
      parameters: [{name: fail, tensor: FAIL}]
    chat: {message: "{role} {content} ", after: end}
`;

/** @returns its port, and how to stop it */
export async function startWordModel(): Promise<{ port: number; stop(): void }> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(
    { ModelConfig: raw("ModelConfig", false), ModelStreamInfer: raw("ModelStreamInfer", true) },
    {
      ModelConfig: (_call: unknown, answer: grpc.sendUnaryData<Uint8Array>) => {
        const config = { ...CONFIG, modelTransactionPolicy: { decoupled: true } };
        answer(null, ModelConfigResponse.encode(ModelConfigResponse.fromObject({ config })).finish());
      },
      ModelStreamInfer: (call: grpc.ServerDuplexStream<Buffer, Uint8Array>) => {
        call.on("error", () => undefined);
        call.once("data", (message: Buffer) => {
          for (const each of repliesTo(message)) call.write(ModelStreamInferResponse.encode(each).finish());
          call.end();
        });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}
