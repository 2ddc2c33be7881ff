import { z } from "zod";

/** How OpenAI's API is converted towards a model server of the Open Inference Protocol. */

const tensorName = (what: string) => z.string().min(1).max(256).optional().describe(what);

/** By which tensors a language model is called. */
export const openAiTensors = z.strictObject({
  prompt: tensorName("Input with the text: the prompt, or the messages of a chat. Default: text_input."),
  stream: tensorName(
    "Input that says whether a stream is wanted; left out where the model has no such input. Default: stream.",
  ),
  parameters: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(256).describe("Member of the request, such as temperature."),
        tensor: z
          .string()
          .min(1)
          .max(256)
          .describe("Input that it becomes, or where the model has no such input, parameter of the request."),
      }),
    )
    .max(64)
    .default([])
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe(
      "Members of requests that the model gets under another name, or beside max_tokens (also for max_completion_tokens), temperature, top_p, stop, seed, frequency_penalty and presence_penalty. Default: none.",
    ),
  text: tensorName("Output with the text. Default: text_output."),
  embedding: tensorName("Output with embeddings, of which each row is one. Default: embedding."),
  finishReason: tensorName(
    "Output with why the text ends, such as length; empty while it goes on. Default: none, and the reason is stop.",
  ),
  promptTokens: tensorName("Output with the number of tokens of the request. Default: none."),
  completionTokens: tensorName(
    "Output with the number of tokens of the answer so far. Default: none; without both there is no `usage`.",
  ),
});

/** How the messages of a chat become one text. */
export const openAiChat = z.strictObject({
  before: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("What stands before the messages. Default: nothing."),
  message: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'Each message: {role} and {content} stand for its own. Default: "{role}: {content}" and a line feed.',
    ),
  after: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('What stands behind the messages, and has the model answer. Default: "assistant:".'),
});
