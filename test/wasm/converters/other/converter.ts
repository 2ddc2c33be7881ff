import { InferRequest, ModelResponse, Request, Tensor, textBytes } from "modelgate/converter";

/** Says `other` to whatever is asked, by way of the model. */
export function before(_request: Request): InferRequest | null {
  const infer = new InferRequest("echo");
  infer.input(Tensor.texts("said", ["other"]));
  return infer;
}

export function after(response: ModelResponse): Uint8Array | null {
  return textBytes(response.output("said").toTexts()[0]);
}
