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

const burstNeedsRate = {
  holds: ({ tokensPerSecond, burst }: { tokensPerSecond?: number | undefined; burst?: number | undefined }) =>
    burst === undefined || tokensPerSecond !== undefined,
  cel: "!has(self.burst) || has(self.tokensPerSecond)",
  message: "needs tokensPerSecond",
  path: ["burst"],
};

const weight = (what: string) => z.number().min(0).max(1000).optional().describe(what);

/** Limit on the tokens of one language model. */
export const taskTokenLimits = withRules(
  z.strictObject({
    tokensPerSecond: rate()
      .optional()
      .describe(
        "Tokens a second of prompts and answers, on each gateway pod. Default: only the tenant's limit holds.",
      ),
    burst: burst(),
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
  [burstNeedsRate],
);

/** Limit on the tokens of all language models of a tenant. */
export const tenantTokenLimits = z.strictObject({
  tokensPerSecond: rate().describe(
    "Tokens a second of prompts and answers, over all language models of the tenant, on each gateway pod.",
  ),
  burst: burst(),
});
