import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const PROTO_FOLDER = fileURLToPath(new URL("../../../proto/", import.meta.url));
const OWN_FILES = ["open_inference.proto", "tensorflow_serving.proto", "health.proto", "reflection.proto"];

/** A unary gRPC method with the types of its messages. */
interface Method {
  /** `/package.Service/Method`. */
  path: string;
  request: protobuf.Type;
  response: protobuf.Type;
}

/** The protocols that Modelgate knows itself: TensorFlow Serving, Open Inference, gRPC health. */
export function ownProtocols(): protobuf.Root {
  own ??= load(OWN_FILES, [PROTO_FOLDER]);
  return own;
}

let own: protobuf.Root | undefined;

/**
 * Reads .proto files.
 * @param folders where their imports are looked for
 * @throws Error that names the file
 */
export function readProtocols(files: string[], folders: string[]): protobuf.Root {
  try {
    return load(files, folders);
  } catch (error) {
    throw new Error(`--proto ${files.join(" ")}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function load(files: string[], folders: string[]): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (origin, target) => {
    if (isAbsolute(target)) return target;
    const candidates = [
      ...folders.map((folder) => join(folder, target)),
      join(dirname(origin), target),
      target,
    ];
    return candidates.find((file) => existsSync(file)) ?? target;
  };
  root.loadSync(files, { keepCase: true });
  return root;
}

/** A method of the definitions; undefined when they don't have it. @throws Error for a method that streams */
export function findMethod(root: protobuf.Root, path: string): Method | undefined {
  const [, serviceName = "", name = ""] = path.split("/");
  let service: protobuf.Service;
  try {
    service = root.lookupService(serviceName);
  } catch {
    return undefined;
  }
  const method = service.methods[name];
  if (!method) return undefined;
  method.resolve();
  if (method.requestStream || method.responseStream)
    throw new Error(`${path}: streams; only unary methods can be sent`);
  return {
    path,
    request: method.resolvedRequestType as protobuf.Type,
    response: method.resolvedResponseType as protobuf.Type,
  };
}
