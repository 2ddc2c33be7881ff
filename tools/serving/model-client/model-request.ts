import type { ModelTask } from "../../api/model-task.ts";

/** What the model server behind the task speaks. */
type Protocol = ModelTask["spec"]["conversion"]["protocol"];

export interface PrepareOptions {
  /** `http://host:port` of the model server: asked for its model's inputs, and for types by reflection. */
  origin: string;
  /** How requests are made for a `model`. */
  protocol: Protocol;
  /** .proto files of methods that Modelgate does not know. Default: gRPC reflection. */
  protos?: string[] | undefined;
  protoPaths?: string[] | undefined;
  /** Longest wait for an answer to such a question, milliseconds. Default: 10 s. */
  timeoutMs?: number | undefined;
}
