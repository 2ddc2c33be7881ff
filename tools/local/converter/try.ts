import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { HeaderList } from "../../lib/host/header-pairs.ts";
import type { Stream } from "../../lib/host/stream.ts";
import { Vm } from "../../lib/host/vm.ts";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { readPlaces } from "../../lib/wasm/places.ts";
import { trapping } from "../../lib/wasm/trap.ts";
import { sourceIn } from "../own-module/compile.ts";
import { compileConverter } from "./compile.ts";

const TASKID = "test";
const OPTIONS = { longs: Number, enums: String } as const;
const PROTOCOLS = [
  {
    service: "inference.GRPCInferenceService/ModelInfer",
    file: "open_inference",
    name: "inference.ModelInfer",
  },
  {
    service: "tensorflow.serving.PredictionService/Predict",
    file: "tensorflow_serving",
    name: "tensorflow.serving.Predict",
  },
] as const;

/** What the model would be asked, or the error that the caller gets instead. */
export interface Asked {
  status: number;
  error?: string;
  /** Path of the gRPC method. */
  method: string;
  /** The protobuf message, fields in camel case. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at fields of a message that only it knows
  message: any;
}

export interface Answered {
  status: number;
  error?: string;
  body: Buffer;
}

/** A converter in the Node host. */
export interface LoadedConverter {
  /** Runs a request's body through `before`. */
  before(body: string | Uint8Array, headers?: Record<string, string>): Asked;
  /**
   * Runs a reply of the model, as protobuf JSON, through `after`. `body` is that of the request it answers.
   */
  after(reply: object, body: string | Uint8Array): Answered;
  vm: Vm;
}

/** Compiles the converter of a folder and runs it in Node's WebAssembly, in a host that stands for Envoy. */
export async function loadConverter(folder: string, settings: object = {}): Promise<LoadedConverter> {
  const temporary = await temporaryFolder(join(tmpdir(), "modelgate-converter-"));
  try {
    const module = join(temporary.path, "converter.wasm");
    await compileConverter(folder, module);
    return converterInNode(module, settings, folder);
  } finally {
    await temporary.remove();
  }
}

/**
 * As `loadConverter`, of a module that is built. An exception in it is a TrapError here, with the place in
 * `folder` where it was.
 */
export function converterInNode(module: string, settings: object = {}, folder = ""): LoadedConverter {
  const vm = new Vm(module);
  const places = readPlaces(module, sourceIn(folder));
  if (!vm.configure({ converter: { taskid: TASKID, ...settings } })) throw new Error(vm.logs.join("\n"));
  const open = (headers: Record<string, string> = {}) =>
    vm.open({ ":method": "POST", ":path": "/", taskid: TASKID, ...headers });
  return {
    vm,
    before: (body, headers) =>
      trapping(places, vm.logs, () => {
        const stream = open(headers);
        const frame = stream.reply ? Buffer.of() : stream.sendRequestBody(Buffer.from(body));
        const asked = stream.reply ? { ...errorOf(stream), method: "", message: {} } : askedOf(stream, frame);
        stream.close();
        return asked;
      }),
    after: (reply, body) =>
      trapping(places, vm.logs, () => {
        const stream = open();
        stream.sendRequestBody(Buffer.from(body));
        if (stream.reply) throw new Error(`before refused the request: ${stream.reply.body}`);
        const answered = answer(stream, stream.header(":path") ?? "", reply);
        stream.close();
        return answered;
      }),
  };
}

function askedOf(stream: Stream, frame: Uint8Array): Asked {
  const method = stream.header(":path") ?? "";
  const type = protocolOf(method).request;
  const message = type.toObject(type.decode(frame.subarray(5)), OPTIONS);
  return { status: 200, method, message };
}

function answer(stream: Stream, method: string, reply: object): Answered {
  const type = protocolOf(method).response;
  const message = type.encode(type.fromObject(reply)).finish();
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  const headers: HeaderList = [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ];
  const body = stream.respond(headers, Buffer.concat([header, message]), undefined, false);
  if (!stream.reply) stream.endResponse([["grpc-status", "0"]]);
  return stream.reply
    ? { ...errorOf(stream), body: Buffer.from(stream.reply.body) }
    : { status: 200, body: Buffer.from(body) };
}

function errorOf({ reply }: Stream): { status: number; error: string } {
  const { error } = JSON.parse(reply?.body ?? "{}") as { error: string };
  return { status: reply?.status ?? 0, error };
}

interface Protocol {
  request: protobuf.Type;
  response: protobuf.Type;
}

const protocols = new Map<string, Protocol>();

function protocolOf(method: string): Protocol {
  const known = protocols.get(method) ?? loadProtocol(method);
  protocols.set(method, known);
  return known;
}

function loadProtocol(method: string): Protocol {
  const protocol = PROTOCOLS.find(({ service }) => method === `/${service}`);
  if (!protocol) throw new Error(`the converter asks for ${method}, which is no method of a known protocol`);
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => fileURLToPath(new URL(`proto/${target}`, PROJECT_ROOT));
  root.loadSync(`${protocol.file}.proto`);
  return {
    request: root.lookupType(`${protocol.name}Request`),
    response: root.lookupType(`${protocol.name}Response`),
  };
}
