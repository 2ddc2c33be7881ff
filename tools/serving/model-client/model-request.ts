import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";

/** What the model server behind the task speaks. */
type Protocol = ModelTask["spec"]["conversion"]["protocol"] | "openai";

export interface PrepareOptions {
  /** `http://host:port` of the model server: asked for its model's inputs, and for types by reflection. */
  origin: string;
  /** How requests are made for a `model`. */
  protocol: Protocol;
  /** Of a server that speaks openai: where it has the API. Default: /v1. */
  basePath?: string | undefined;
  /** Of a server that speaks openai: whether answers come token by token. Default: whole. */
  stream?: boolean | undefined;
  /** .proto files of methods that Modelgate does not know. Default: gRPC reflection. */
  protos?: string[] | undefined;
  protoPaths?: string[] | undefined;
  /** Longest wait for an answer to such a question, milliseconds. Default: 10 s. */
  timeoutMs?: number | undefined;
}

/** How a task's model server is asked. */
export function speechOf({ spec }: ModelTask): Pick<PrepareOptions, "protocol" | "basePath"> {
  if (!passesOpenAi(spec)) return { protocol: spec.conversion.protocol };
  return { protocol: "openai", basePath: spec.openai?.basePath };
}
