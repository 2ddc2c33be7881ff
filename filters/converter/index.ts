/**
 * What a converter imports: `import { InferRequest, ModelResponse, Request, Tensor } from
 * "modelgate/converter"`.
 */
export { fail } from "./fault";
export { Json } from "./json";
export { JsonWriter } from "./json-writer";
export { InferRequest, ModelRequest, PredictRequest } from "./model-request";
export { ModelResponse } from "./model-response";
export { Request } from "./request";
export { Tensor } from "./tensor";
export { textBytes } from "./text-bytes";
