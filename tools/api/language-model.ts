import { z } from "zod";
import { dnsName } from "./fields.ts";
import { openAiChat, openAiTensors } from "./openai-tensors.ts";
import { withRules } from "./rules.ts";
import { taskTokenLimits } from "./token-limits.ts";

/**
 * Name of a model as callers write it in `model`; visible ASCII without quotes, such as
 * meta-llama/Llama-3-8B.
 */
const modelName = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[!#-[\]-~]+$/, "must be visible ASCII characters without quotes and backslashes");

/** How a task with `protocol: openai` is served. */
export const openai = withRules(
  z.strictObject({
    server: z
      .enum(["openai", "openInference"])
      .default("openai")
      .describe(
        "What the model server speaks: openai over HTTP, to which bodies pass byte for byte, or openInference over gRPC, to which they are converted. Default: openai.",
      ),
    models: z
      .array(modelName())
      .max(64)
      .default([])
      .meta({ "x-kubernetes-list-type": "set" })
      .describe(
        "Names that callers may write in `model`; `name:version` selects one of the task's versions. Default: the taskid.",
      ),
    servedModel: modelName()
      .optional()
      .describe(
        "What the model server calls the model: takes the place of the caller's `model` in the body. Default: the caller's, as it is; for openInference the first of `models`, else the taskid.",
      ),
    basePath: z
      .string()
      .max(256)
      .regex(/^(\/[A-Za-z0-9._~-]+)+$/, "must be a path such as /openai/v1, without / at its end")
      .default("/v1")
      .describe("Where the model server has the API: /openai/v1 for KServe's runtimes. Default: /v1."),
    tokenLimits: taskTokenLimits.optional().describe("Limit on the model's tokens. Default: none."),
    apiKeySecret: z
      .strictObject({
        name: dnsName().describe("Name of the Secret."),
        key: z.string().min(1).max(253).describe("Its key."),
      })
      .optional()
      .describe(
        "Secret in the gateway's namespace with the model server's own API key, which takes the place of the caller's credential. Default: the model server gets no `authorization`.",
      ),
    tensors: openAiTensors
      .optional()
      .describe(
        "For server: openInference: by which tensors the model is called. Default: all of its defaults.",
      ),
    chat: openAiChat
      .optional()
      .describe("For server: openInference: how messages become one text. Default: all of its defaults."),
  }),
  [
    {
      holds: ({ models }) => new Set(models).size === models.length,
      message: "must not hold a name twice",
      path: ["models"],
    },
    {
      holds: ({ server, basePath, apiKeySecret }) =>
        server === "openai" || (basePath === "/v1" && apiKeySecret === undefined),
      cel: "!has(self.server) || self.server == 'openai' || (!has(self.apiKeySecret) && (!has(self.basePath) || self.basePath == '/v1'))",
      message: "openInference has no basePath and apiKeySecret: they are for server: openai",
      path: ["server"],
    },
    {
      holds: ({ server, tensors, chat }) => server === "openInference" || (!tensors && !chat),
      cel: "(has(self.server) && self.server == 'openInference') || (!has(self.tensors) && !has(self.chat))",
      message: "openai has no tensors and chat: they are for server: openInference",
      path: ["server"],
    },
    {
      holds: ({ tensors }) => {
        const names = (tensors?.parameters ?? []).map(({ name }) => name);
        return new Set(names).size === names.length;
      },
      message: "must not hold a name twice",
      path: ["tensors", "parameters"],
    },
  ],
);
