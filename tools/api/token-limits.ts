import { z } from "zod";
import { rate } from "./fields.ts";
import { withRules } from "./rules.ts";

/** What is left of 2^53 for sums. */
const MOST_TOKENS = 1_000_000_000;

const burst = () =>
  z
    .int()
    .min(1)
    .max(MOST_TOKENS)
    .optional()
    .describe(
      "Tokens at once; a call that may take more passes when all of them are there, and leaves a debt. Default: those of one second.",
    );

interface Rates {
  tokensPerSecond?: number | undefined;
  perReplica?: number | undefined;
  burst?: number | undefined;
}

const burstNeedsRate = {
  holds: ({ tokensPerSecond, perReplica, burst }: Rates) =>
    burst === undefined || tokensPerSecond !== undefined || perReplica !== undefined,
  cel: "!has(self.burst) || has(self.tokensPerSecond) || has(self.perReplica)",
  message: "needs tokensPerSecond or perReplica",
  path: ["burst"],
};

const oneRate = {
  holds: ({ tokensPerSecond, perReplica }: Rates) =>
    tokensPerSecond === undefined || perReplica === undefined,
  cel: "!has(self.tokensPerSecond) || !has(self.perReplica)",
  message: "must not stand beside tokensPerSecond",
  path: ["perReplica"],
};

const weight = (what: string) => z.number().min(0).max(1000).optional().describe(what);

/** How streams end that are over a limit or budget. */
export const streamEnds = () => ({
  hard: z
    .boolean()
    .optional()
    .describe(
      "End a stream that has taken what it reserved, where there is no more; without it what it takes beyond is a debt. Default: false.",
    ),
  lastEvent: z
    .enum(["length", "error"])
    .optional()
    .describe(
      "What a stream ends in that `hard` ends: `finish_reason: length` as of an answer that is as long as it may be, or an error. Default: length.",
    ),
});

/** Limit on the tokens of one language model. */
export const taskTokenLimits = withRules(
  z.strictObject({
    tokensPerSecond: rate()
      .optional()
      .describe(
        "Tokens a second of prompts and answers, over all gateway pods. Set this or `perReplica`, or none: then only the tenant's limit holds.",
      ),
    perReplica: rate()
      .optional()
      .describe(
        "Tokens a second for each ready replica of the task, so that the limit follows scaling; needs a controller.",
      ),
    burst: burst(),
    ...streamEnds(),
    defaultMaxTokens: z
      .int()
      .min(1)
      .max(MOST_TOKENS)
      .default(1024)
      .describe(
        "Tokens that are reserved for an answer whose caller says no most, in max_completion_tokens, max_tokens or max_output_tokens. Default: 1024.",
      ),
    weights: z
      .strictObject({
        input: weight("A token of the prompt. Default: 1."),
        cachedInput: weight(
          "A token of the prompt that the model server had in its cache. Default: as input.",
        ),
        output: weight("A token of the answer. Default: 1."),
        reasoning: weight("A token of the answer that is reasoning. Default: as output."),
      })
      .optional()
      .describe("What a token of each kind counts. Default: one each."),
  }),
  [burstNeedsRate, oneRate],
);

export type TaskTokenLimits = z.output<typeof taskTokenLimits>;

/** Limit on the tokens of all language models of a tenant. */
export const tenantTokenLimits = z.strictObject({
  tokensPerSecond: rate().describe(
    "Tokens a second of prompts and answers, over all language models and gateway pods of the tenant.",
  ),
  burst: burst(),
  ...streamEnds(),
});
