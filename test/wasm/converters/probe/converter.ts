import {
  fail,
  InferRequest,
  JsonWriter,
  ModelRequest,
  ModelResponse,
  PredictRequest,
  Request,
  Tensor,
} from "modelgate/converter";

const few: i32[] = [];

/** Does what `do` says with the tensors that the other members are. */
export function before(request: Request): ModelRequest | null {
  const json = request.json();
  const what = json.get("do").text();
  if (what == "nothing") return null;
  if (what == "fail") return fail<ModelRequest>('no "such" thing');
  if (what == "trap") few[3] = few[2];
  if (what == "garbage") for (let i = 0; i < 20; i++) new Uint8Array(50_000);
  if (what == "unknown") {
    const wrong = new InferRequest("echo");
    wrong.input(new Tensor("x", "FP31", [1], new Uint8Array(4)));
    return wrong;
  }
  if (what == "predict") {
    const predict = new PredictRequest("echo");
    predict.signature = "s";
    predict.version = 3;
    addInputs(
      predict,
      json.get("floats").floats(),
      json.get("texts").texts(),
      json.get("integers").integers(),
    );
    return predict;
  }
  const infer = new InferRequest("echo");
  infer.id = what;
  infer.version = what == "typed" ? "typed" : "";
  if (json.has("shape")) {
    const rows = json.get("shape");
    infer.input(Tensor.doubles("x", rows.doubles(), rows.shape()));
    return infer;
  }
  addInputs(infer, json.get("floats").floats(), json.get("texts").texts(), json.get("integers").integers());
  const header = request.header("x-note");
  if (header != null) infer.input(Tensor.texts("note", [header, request.method, request.path]));
  return infer;
}

function addInputs(request: ModelRequest, floats: Float32Array, texts: string[], integers: Int64Array): void {
  request.input(Tensor.floats("floats", floats));
  request.input(Tensor.texts("texts", texts));
  request.input(Tensor.integers("integers", integers));
}

export function after(response: ModelResponse): Uint8Array | null {
  if (response.id == "after-nothing") return null;
  if (response.id == "after-fail") return fail<Uint8Array>("no such reply");
  if (response.id == "after-trap") few[3] = few[2];
  if (response.id == "after-missing") return textOf(response.output("none").toTexts());
  const json = new JsonWriter().object();
  for (let i = 0; i < response.outputs.length; i++) {
    const tensor = response.outputs[i];
    json.key(tensor.name);
    if (tensor.datatype == "BYTES") json.texts(tensor.toTexts());
    else if (tensor.datatype == "INT64") {
      json.array();
      const values = tensor.toIntegers();
      for (let v = 0; v < values.length; v++) json.integer(values[v]);
      json.end();
    } else if (tensor.datatype == "FP32") json.floats(tensor.toFloats());
    else {
      json.array();
      const values = tensor.toDoubles();
      for (let v = 0; v < values.length; v++) json.number(values[v]);
      json.end();
    }
    if (tensor.name == "x") json.key("rank").integer(tensor.shape.length);
  }
  return json.bytes();
}

function textOf(texts: string[]): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(texts.join(",")));
}
