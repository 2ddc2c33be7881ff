import { dataTypeByName } from "../../model-protocol/tensorflow-datatype";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Config } from "../../sdk/pipeline/config";

/** A tensor of a signature. */
export class TensorInfo {
  constructor(
    readonly name: Bytes,
    readonly dataType: i32,
  ) {}
}

/** Before it is known which. */
export const NO_TENSOR: TensorInfo = new TensorInfo(bytes(""), 0);

/** What a model takes and gives: `protocolConversion.tasks[].signatures[]`. */
export class Signature {
  readonly inputs: TensorInfo[] = [];
  readonly outputs: TensorInfo[] = [];
  constructor(readonly name: Bytes) {}
}

/** Before it is known which. */
export const NO_SIGNATURE: Signature = new Signature(bytes(""));

const DEFAULT_SIGNATURE = "serving_default";

/** Reads the signatures of a task. */
export function readSignatures(task: Config): Signature[] {
  const configs = task.objects("signatures");
  const signatures: Signature[] = [];
  const names: string[] = [];
  for (let i = 0; i < configs.length; i++) {
    const config = configs[i];
    const name = config.has("name") ? config.text("name") : DEFAULT_SIGNATURE;
    if (names.includes(name)) config.fault("name", `${name} is there twice`);
    names.push(name);
    const signature = new Signature(bytes(name));
    readTensors(config, "inputs", signature.inputs);
    readTensors(config, "outputs", signature.outputs);
    if (signature.inputs.length == 0) config.fault("inputs", "is required");
    config.finish();
    signatures.push(signature);
  }
  return signatures;
}

function readTensors(config: Config, key: string, tensors: TensorInfo[]): void {
  const configs = config.objects(key);
  for (let i = 0; i < configs.length; i++) {
    const dataType = dataTypeByName(configs[i].text("dtype"));
    if (dataType == 0) configs[i].fault("dtype", "must be a data type of TensorFlow such as DT_FLOAT");
    tensors.push(new TensorInfo(bytes(configs[i].text("name")), dataType));
    configs[i].finish();
  }
}
