import { InferRequest, ModelResponse, Request, Tensor } from "modelgate/converter";

/** Goes wrong in the way that the body names. */
export function before(request: Request): InferRequest | null {
  const how = request.text();
  const values = new Float32Array(8);
  if (how == "index") values[values.length] = 1;
  if (how == "array") values[0] = <f32>[1, 2, 3][values.length];
  if (how == "assert") assert(values.length == 7, "seven");
  if (how == "zero") values[values.length / (values.length - 8)] = 1;
  if (how == "null") values[0] = <f32>request.header("x-none")!.length;
  if (how == "deep") values[0] = deep(values);
  if (how == "hog") hog(values);
  if (how == "loop") spin(values);
  if (how == "nested") nest(values);
  if (how == "recursion") values[0] = <f32>fibonacci(90);
  const inference = new InferRequest("echo");
  inference.input(Tensor.floats("x", values));
  return inference;
}

export function after(_response: ModelResponse): Uint8Array | null {
  return null;
}

function deep(values: Float32Array): f32 {
  return values[0] + deep(values) + values[1];
}

const kept: Float32Array[] = [];

function hog(values: Float32Array): void {
  for (;;) kept.push(new Float32Array(values.length * 1_000_000));
}

function spin(values: Float32Array): void {
  let i = 0;
  while (values[i & 7] == 0) i++;
}

function nest(values: Float32Array): void {
  while (values[0] == 0) for (let i = 0; i < 60_000; i++) values[1] += 1;
}

function fibonacci(n: i32): i64 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
