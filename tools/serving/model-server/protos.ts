import { fileURLToPath } from "node:url";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

const PROTO_FOLDER = fileURLToPath(new URL("../../../proto/", import.meta.url));

export const protos = loadSync(["open_inference.proto", "tensorflow_serving.proto", "health.proto"], {
  includeDirs: [PROTO_FOLDER],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});

/** `SignatureDefMap`, which GetModelMetadata wraps in an Any. */
const SignatureDefMap = protos["tensorflow.serving.SignatureDefMap"] as MessageTypeDefinition<object, object>;

export function encodeSignatures(map: object): Buffer {
  return SignatureDefMap.serialize(map);
}

/** The signatures in an Any of GetModelMetadata. */
export function decodeSignatures(value: Buffer): { signature_def: Record<string, SignatureDef> } {
  return SignatureDefMap.deserialize(value) as { signature_def: Record<string, SignatureDef> };
}

export interface SignatureDef {
  inputs: Record<string, { dtype: string }>;
  outputs: Record<string, { dtype: string }>;
  method_name: string;
}
