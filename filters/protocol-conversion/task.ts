import { Bytes } from "../sdk/bytes/bytes";
import { OpenAiMapping } from "./openai/mapping";
import { Policy } from "./policy";
import { RawTemplate } from "./tensor/raw-tensor";
import { Signature } from "./tensorflow-serving/signature";

/** A task that is converted. */
export class Task {
  constructor(
    readonly taskid: Bytes,
    /** What TensorFlow Serving's models of the task take and give; the default signature first. */
    readonly signatures: Signature[],
    /** What the body is when it is a raw tensor and the headers do not say. */
    readonly raw: RawTemplate | null,
    readonly policy: Policy,
    /** Longest time of a stream of replies, in milliseconds as a header has it; 0: none. */
    readonly streamTimeout: Bytes,
    /** How callers of OpenAI's API call it; null: they don't. */
    readonly openAi: OpenAiMapping | null,
  ) {}
}
