import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { NotAnswered, type PreparedRequest } from "./connection.ts";
import { type GrpcConnection, messages } from "./grpc-connection.ts";
import { ownProtocols } from "./methods.ts";

/** In the order in which they are tried. */
const VERSIONS = ["v1", "v1alpha"];
const UNIMPLEMENTED = 12;

interface FileDescriptor {
  name: string;
  dependency: string[];
}

interface ReflectionResponse {
  file_descriptor_response?: { file_descriptor_proto: Uint8Array[] };
  error_response?: { error_message: string };
}

/**
 * Asks a server for the definitions of a service, with all that they import.
 * @param timeoutMs for each answer
 * @throws Error when the server has no reflection, or does not know the service
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export async function reflect(
  connection: GrpcConnection,
  service: string,
  timeoutMs: number,
): Promise<protobuf.Root> {
  const files = new Map<string, Uint8Array>();
  const ask = await openReflection(connection, timeoutMs, { file_containing_symbol: service });
  let wanted: Record<string, string>[] = [{ file_containing_symbol: service }];
  while (wanted.length > 0) {
    const found = (await Promise.all(wanted.map(ask))).flat();
    for (const bytes of found) files.set(fileDescriptor(bytes).name, bytes);
    const missing = new Set([...files.values()].flatMap((bytes) => fileDescriptor(bytes).dependency));
    wanted = [...missing].filter((name) => !files.has(name)).map((name) => ({ file_by_filename: name }));
  }
  const set = descriptor.FileDescriptorSet.create({
    file: [...files.values()].map((bytes) => descriptor.FileDescriptorProto.decode(bytes)),
  });
  return (protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root }).fromDescriptor(set);
}

type Ask = (question: Record<string, string>) => Promise<Uint8Array[]>;

async function openReflection(
  connection: GrpcConnection,
  timeoutMs: number,
  first: Record<string, string>,
): Promise<Ask> {
  const root = ownProtocols();
  const Request = root.lookupType("grpc.reflection.v1.ServerReflectionRequest");
  const Response = root.lookupType("grpc.reflection.v1.ServerReflectionResponse");
  const asking =
    (version: string) =>
    async (question: Record<string, string>): Promise<Uint8Array[] | undefined> => {
      const request: PreparedRequest = {
        ...{ protocol: "grpc", method: "POST", headers: {} },
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        payload: Buffer.from(Request.encode(Request.create(question)).finish()),
      };
      const outcome = await connection.send(request, timeoutMs, true);
      if (outcome.code === UNIMPLEMENTED) return undefined;
      if (!outcome.ok) throw new NotAnswered(`gRPC reflection: ${outcome.reason}`, outcome.mayPass);
      const [message] = messages(outcome.reply);
      const response = Response.decode(message ?? new Uint8Array()) as unknown as ReflectionResponse;
      const descriptors = response.file_descriptor_response?.file_descriptor_proto;
      if (!descriptors)
        throw new Error(`gRPC reflection: ${response.error_response?.error_message ?? "no answer"}`);
      return descriptors;
    };
  for (const version of VERSIONS) {
    const ask = asking(version);
    if (await ask(first)) return async (question) => (await ask(question)) ?? [];
  }
  throw new Error("the server has no gRPC reflection: name the method's .proto file with --proto");
}

function fileDescriptor(bytes: Uint8Array): FileDescriptor {
  return descriptor.FileDescriptorProto.decode(bytes) as unknown as FileDescriptor;
}
