import { InferRequest, JsonWriter, ModelResponse, Request, Tensor } from "modelgate/converter";

const FEATURES = 8;

/** `{"rows": [[8 numbers], ...]}` -> the FP32 tensor `x` [rows, 8] of the model `linear`. */
export function before(request: Request): InferRequest | null {
  const values = request.json().get("rows").rowsOf(FEATURES).floats();
  const inference = new InferRequest("linear");
  inference.input(Tensor.floats("x", values, [values.length / FEATURES, FEATURES]));
  return inference;
}

/** The FP32 tensor `y` [rows, 2] -> `{"best": [class of each row], "scores": [...]}`. */
export function after(response: ModelResponse): Uint8Array | null {
  const scores = response.output("y").toFloats();
  const json = new JsonWriter().object().key("best").array();
  for (let i = 0; i + 1 < scores.length; i += 2) json.integer(scores[i] < scores[i + 1] ? 1 : 0);
  return json.end().key("scores").floats(scores).bytes();
}
