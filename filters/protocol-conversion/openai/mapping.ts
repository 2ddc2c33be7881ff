import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { NameTable } from "../../sdk/bytes/name-table";
import { Config } from "../../sdk/pipeline/config";
import { ChatTemplate } from "./chat-template";

/** Members of requests that a model gets by the same name unless the task says otherwise. */
const PARAMETERS: string[] = [
  "max_tokens",
  "temperature",
  "top_p",
  "stop",
  "seed",
  "frequency_penalty",
  "presence_penalty",
];

const MAX_TOKENS = bytes("max_tokens");

/** How callers of OpenAI's API call a model of the Open Inference Protocol: by which tensors. */
export class OpenAiMapping {
  /** What the model server calls the model. */
  model: Bytes = bytes("");
  /** Inputs: the text, and whether a stream is wanted. */
  prompt: Bytes = bytes("");
  stream: Bytes = bytes("");
  /** By a request's member, the input or parameter that it becomes. */
  readonly parameters: NameTable<Bytes> = new NameTable<Bytes>();
  /** Outputs; empty where the model has none. */
  text: Bytes = bytes("");
  embedding: Bytes = bytes("");
  finishReason: Bytes = bytes("");
  promptTokens: Bytes = bytes("");
  completionTokens: Bytes = bytes("");
  template: ChatTemplate = ChatTemplate.read(null);
}

/** Reads the object `openAi` of a task. @returns null when it has none */
export function readOpenAi(task: Config): OpenAiMapping | null {
  const config = task.object("openAi");
  if (config == null) return null;
  const mapping = new OpenAiMapping();
  mapping.model = bytes(config.text("model"));
  mapping.prompt = nameOf(config, "prompt", "text_input");
  mapping.stream = nameOf(config, "stream", "stream");
  mapping.text = nameOf(config, "text", "text_output");
  mapping.embedding = nameOf(config, "embedding", "embedding");
  mapping.finishReason = nameOf(config, "finishReason", "");
  mapping.promptTokens = nameOf(config, "promptTokens", "");
  mapping.completionTokens = nameOf(config, "completionTokens", "");
  mapping.template = ChatTemplate.read(config.object("chat"));
  const parameters = config.objects("parameters");
  for (let i = 0; i < parameters.length; i++) {
    const parameter = parameters[i];
    mapping.parameters.add(bytes(parameter.text("name")), bytes(parameter.text("tensor")));
    parameter.finish();
  }
  // The table keeps the first of one name.
  for (let i = 0; i < PARAMETERS.length; i++)
    mapping.parameters.add(bytes(PARAMETERS[i]), bytes(PARAMETERS[i]));
  const limit = mapping.parameters.find(MAX_TOKENS.ptr, MAX_TOKENS.len);
  mapping.parameters.add(bytes("max_completion_tokens"), limit!);
  config.finish();
  return mapping;
}

function nameOf(config: Config, field: string, otherwise: string): Bytes {
  return bytes(config.has(field) ? config.text(field) : otherwise);
}
