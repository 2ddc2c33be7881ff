import { MODEL_STATE } from "../../model-protocol/model-in-body";
import { OpenAiOperation, openAiOperation } from "../../model-protocol/openai-path";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { getProperty, propertyValue, setFilterState } from "../../sdk/host/properties";
import { HttpContext } from "../../sdk/pipeline/http-context";

/** Filter state that Envoy puts into the span: tools/lib/envoy/tracing.ts names the attributes. */
const OPERATION = bytes("modelgate.span.operation");
const PROVIDER = bytes("modelgate.span.provider");
const MODEL = bytes("modelgate.span.model");
const RESPONSE_MODEL = bytes("modelgate.span.response_model");
const FINISH_REASON = bytes("modelgate.span.finish_reason");
const INPUT_TOKENS = bytes("modelgate.span.input_tokens");
const CACHED_TOKENS = bytes("modelgate.span.cached_tokens");
const OUTPUT_TOKENS = bytes("modelgate.span.output_tokens");
const REASONING_TOKENS = bytes("modelgate.span.reasoning_tokens");

const OPENAI = bytes("openai");
const CHAT = bytes("chat");
const TEXT_COMPLETION = bytes("text_completion");
const EMBEDDINGS = bytes("embeddings");

const text: ByteBuffer = new ByteBuffer();

/** Tells the span what a call to a language model came to; its tokens only where the model said them. */
export function tellSpan(http: HttpContext): void {
  const call = http.modelCall;
  if (!call.answered) return;
  const operation = operationOf(http);
  setFilterState(OPERATION, operation.ptr, operation.len);
  setFilterState(PROVIDER, OPENAI.ptr, OPENAI.len);
  // A byte before the model tells whether there is one.
  const len = getProperty(MODEL_STATE) - 1;
  text.clear();
  if (len > 0) text.append(propertyValue() + 1, len);
  tell(MODEL, text);
  tell(RESPONSE_MODEL, call.servedModel);
  tell(FINISH_REASON, call.finish);
  if (call.estimated) return;
  tellNumber(INPUT_TOKENS, call.input);
  tellNumber(CACHED_TOKENS, call.cached);
  tellNumber(OUTPUT_TOKENS, call.output);
  tellNumber(REASONING_TOKENS, call.reasoning);
}

function operationOf(http: HttpContext): Bytes {
  const operation = openAiOperation(http.path);
  if (operation == OpenAiOperation.Embeddings) return EMBEDDINGS;
  return operation == OpenAiOperation.Completions ? TEXT_COMPLETION : CHAT;
}

function tell(state: Bytes, value: ByteBuffer): void {
  if (value.len > 0) setFilterState(state, value.ptr, value.len);
}

function tellNumber(state: Bytes, value: u64): void {
  text.clear();
  text.appendDecimal(value);
  tell(state, text);
}
