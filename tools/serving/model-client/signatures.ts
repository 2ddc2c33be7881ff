import grpc from "@grpc/grpc-js";
import { TENSORFLOW_TYPES } from "../../api/conversion.ts";
import { decodeSignatures, protos, type SignatureDef } from "../model-server/protos.ts";

export interface Signature {
  name: string;
  inputs: { name: string; dtype: string }[];
  outputs: { name: string; dtype: string }[];
}

/** The signatures whose inputs are of types that are converted, and why the others are left out. */
export function convertible(signatures: Signature[]): { converted: Signature[]; leftOut: string[] } {
  const converted: Signature[] = [];
  const leftOut: string[] = [];
  for (const { name, inputs, outputs } of signatures) {
    const odd = inputs.find(({ dtype }) => !CONVERTED.has(dtype));
    if (odd) leftOut.push(`signature ${name} is left out: input ${odd.name} is of type ${odd.dtype}`);
    else converted.push({ name, inputs, outputs: outputs.filter(({ dtype }) => CONVERTED.has(dtype)) });
  }
  return { converted, leftOut };
}

const CONVERTED: ReadonlySet<string> = new Set(TENSORFLOW_TYPES);

/**
 * Fetches a model's signatures with GetModelMetadata, the default one first.
 * @throws Error that says what the server answered
 */
export async function discover(address: string, model: string, timeoutSeconds: number): Promise<Signature[]> {
  const service = protos["tensorflow.serving.PredictionService"] as grpc.ServiceDefinition;
  const Client = grpc.makeGenericClientConstructor(service, "PredictionService");
  const client = new Client(address, grpc.credentials.createInsecure());
  const request = { model_spec: { name: model }, metadata_field: ["signature_def"] };
  const deadline = new Date(Date.now() + timeoutSeconds * 1000);
  try {
    const reply = await new Promise<{ metadata: Record<string, { value: Buffer }> }>((resolve, reject) =>
      client.GetModelMetadata?.(request, { deadline }, (error: grpc.ServiceError | null, answer: never) =>
        error ? reject(new Error(`${address}: ${error.details || error.message}`)) : resolve(answer),
      ),
    );
    const value = reply.metadata.signature_def?.value;
    if (!value) throw new Error(`${address}: the metadata of model ${model} has no signature_def`);
    const { signature_def } = decodeSignatures(value);
    return Object.entries(signature_def)
      .filter(([, { inputs }]) => Object.keys(inputs).length > 0)
      .map(([name, definition]) => signature(name, definition))
      .toSorted((a, b) => Number(b.name === "serving_default") - Number(a.name === "serving_default"));
  } finally {
    client.close();
  }
}

function signature(name: string, { inputs, outputs }: SignatureDef): Signature {
  const tensors = (infos: SignatureDef["inputs"]) =>
    Object.entries(infos).map(([tensor, { dtype }]) => ({ name: tensor, dtype }));
  return { name, inputs: tensors(inputs), outputs: tensors(outputs) };
}
