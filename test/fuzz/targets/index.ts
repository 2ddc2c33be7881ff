import type { Target } from "../target.ts";
import { authentication } from "./authentication.ts";
import { batches } from "./batches.ts";
import { calledModels } from "./called-model.ts";
import { configurations } from "./configuration.ts";
import { conversionReplies } from "./conversion-replies.ts";
import { conversionRequests } from "./conversion-requests.ts";
import { decompression } from "./decompression.ts";
import { generate } from "./generate.ts";
import { keys } from "./keys.ts";
import { modelNames } from "./model-name.ts";
import { openAiReplies } from "./openai-replies.ts";
import { openAiRequests } from "./openai-requests.ts";
import { others } from "./other.ts";
import { streams } from "./streams.ts";
import { tokenUsage } from "./token-usage.ts";

export const TARGETS: readonly Target[] = [
  ...conversionRequests,
  ...conversionReplies,
  ...generate,
  ...authentication,
  ...configurations,
  ...decompression,
  ...modelNames,
  ...calledModels,
  ...others,
  ...keys,
  ...streams,
  ...batches,
  ...tokenUsage,
  ...openAiRequests,
  ...openAiReplies,
];
