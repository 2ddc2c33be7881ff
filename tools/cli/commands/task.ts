import grpc from "@grpc/grpc-js";
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { TENSORFLOW_TYPES } from "../../api/conversion.ts";
import { decodeSignatures, protos, type SignatureDef } from "../../serving/model-server/server.ts";
import { seconds } from "../options/units.ts";

interface DiscoverOptions {
  taskid: string;
  model: string;
  timeout: number;
  output: "modeltask" | "plugin-config";
}

export function taskCommand(): Command {
  return new Command("task").description("Work on tasks").addCommand(
    new Command("discover")
      .description(
        "Ask a TensorFlow Serving model server for its signatures, and print them for the ModelTask",
      )
      .argument("<address>", "host:port of the model server (gRPC without TLS)")
      .requiredOption("--model <name>", "name of the model")
      .requiredOption("--taskid <id>", "id of the task")
      .option("--timeout <seconds>", "longest time to wait", seconds, 10)
      .addOption(
        new Option(
          "-o, --output <form>",
          "print fields of a ModelTask, or of a file for modelgate dev --config",
        )
          .choices(["modeltask", "plugin-config"])
          .default("modeltask"),
      )
      .action(async (address: string, options: DiscoverOptions) => {
        const signatures = await discover(address, options.model, options.timeout);
        const { converted, leftOut } = convertible(signatures);
        for (const line of leftOut) console.error(line);
        if (converted.length === 0)
          throw new Error(`${address}: model ${options.model} has no signature that can be converted`);
        process.stdout.write(stringify(configuration(options, converted)));
      }),
  );
}

function configuration({ taskid, output }: DiscoverOptions, signatures: Signature[]): object {
  if (output === "modeltask")
    return { spec: { taskid, conversion: { protocol: "tensorflowServing", signatures } } };
  return { pluginConfig: { protocolConversion: { tasks: [{ taskid, signatures }] } } };
}

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
