import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The model repository of the lane: config.pbtxt of each model, beside its Python file of models/. */

/** Datatypes of the Open Inference Protocol, and what Triton's configuration calls them. */
export const DATATYPES: Record<string, string> = {
  BOOL: "BOOL",
  UINT8: "UINT8",
  UINT16: "UINT16",
  UINT32: "UINT32",
  UINT64: "UINT64",
  INT8: "INT8",
  INT16: "INT16",
  INT32: "INT32",
  INT64: "INT64",
  FP16: "FP16",
  BF16: "BF16",
  FP32: "FP32",
  FP64: "FP64",
  BYTES: "STRING",
};

/** Outputs of the model `many`. */
export const MANY = Array.from({ length: 64 }, (_, i) => `a_rather_long_name_of_an_output_${i}`);

interface Tensor {
  name: string;
  type: string;
  optional?: boolean;
  /** One of any size if it is not here. */
  dims?: number[];
}

const tensor = ({ name, type, optional, dims = [-1] }: Tensor) =>
  `{ name: "${name}", data_type: TYPE_${type}, dims: [ ${dims} ]${optional ? ", optional: true" : ""} }`;

function configuration(name: string, inputs: Tensor[], outputs: Tensor[], more = ""): string {
  const backend = more.includes("ensemble_scheduling") ? 'platform: "ensemble"' : 'backend: "python"';
  return `name: "${name}"
${backend}
input: [ ${inputs.map(tensor).join(", ")} ]
output: [ ${outputs.map(tensor).join(", ")} ]
${more}
`;
}

const SEQUENCES = `sequence_batching {
  max_sequence_idle_microseconds: 60000000
  control_input: [
    { name: "START", control: [ { kind: CONTROL_SEQUENCE_START, int32_false_true: [ 0, 1 ] } ] },
    { name: "CORRID", control: [ { kind: CONTROL_SEQUENCE_CORRID, data_type: TYPE_UINT64 } ] }
  ]
}`;

const step = (from: string, to: string) =>
  `{ model_name: "echo", model_version: -1, input_map: { key: "X_FP32", value: "${from}" },
    output_map: { key: "Y_FP32", value: "${to}" } }`;

const CHAIN = `ensemble_scheduling { step: [ ${step("X", "between")}, ${step("between", "Y")} ] }`;

/** An input that may be missing. */
const maybe = (name: string, type: string, dims = [1]): Tensor => ({ name, type, dims, optional: true });

const int32 = (name: string, optional = false): Tensor => ({ name, type: "INT32", optional });

const CONFIGURATIONS: Record<string, string> = {
  echo: configuration(
    "echo",
    Object.entries(DATATYPES).map(([name, type]) => ({ name: `X_${name}`, type, optional: true })),
    Object.entries(DATATYPES).map(([name, type]) => ({ name: `Y_${name}`, type })),
  ),
  many: configuration(
    "many",
    [{ name: "X", type: "FP32" }],
    MANY.map((name) => ({ name, type: "FP32" })),
  ),
  repeat: configuration(
    "repeat",
    [int32("COUNT"), int32("FAIL", true), int32("WAIT", true)],
    [int32("Y")],
    "model_transaction_policy { decoupled: true }",
  ),
  fails: configuration("fails", [{ name: "X", type: "STRING" }], [int32("Y")]),
  told: configuration("told", [int32("X")], [{ name: "Y", type: "STRING" }]),
  running_sum: configuration(
    "running_sum",
    [int32("X")],
    [int32("Y"), { name: "ID", type: "UINT64" }],
    SEQUENCES,
  ),
  llm: configuration(
    "llm",
    [
      { name: "text_input", type: "STRING", dims: [1] },
      maybe("stream", "BOOL"),
      maybe("max_tokens", "INT32"),
      maybe("temperature", "FP32"),
      maybe("seed", "UINT64"),
      maybe("stop", "STRING", [-1]),
      maybe("pairs", "INT64", [-1, 2]),
      maybe("FAIL", "INT32"),
    ],
    [
      { name: "text_output", type: "STRING", dims: [1] },
      { name: "told", type: "STRING", dims: [1] },
      { name: "finish_reason", type: "STRING", dims: [1] },
      { name: "prompt_tokens", type: "INT32", dims: [1] },
      { name: "tokens", type: "INT32", dims: [1] },
    ],
    "model_transaction_policy { decoupled: true }",
  ),
  shapes: configuration(
    "shapes",
    [
      maybe("one", "INT32"),
      maybe("pairs", "INT64", [-1, 2]),
      maybe("free", "FP64", [-1]),
      maybe("texts", "STRING", [2]),
      maybe("flags", "BOOL", [-1, -1]),
    ],
    [
      { name: "said", type: "STRING", dims: [1] },
      { name: "numbers", type: "FP32", dims: [2] },
    ],
    "max_batch_size: 8",
  ),
  chain: configuration("chain", [{ name: "X", type: "FP32" }], [{ name: "Y", type: "FP32" }], CHAIN),
};

/** Writes the repository into `folder`, which exists. */
export async function writeRepository(folder: string): Promise<void> {
  for (const [name, config] of Object.entries(CONFIGURATIONS)) {
    await mkdir(join(folder, name, "1"), { recursive: true });
    await writeFile(join(folder, name, "config.pbtxt"), config);
    if (name === "chain") continue;
    const python = fileURLToPath(new URL(`models/${name}.py`, import.meta.url));
    await copyFile(python, join(folder, name, "1", "model.py"));
  }
}
