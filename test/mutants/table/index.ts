import type { Mutant } from "../mutant.ts";
import { BUDGETS } from "./budgets.ts";
import { CALLERS } from "./callers.ts";
import { CONTROLLER } from "./controller.ts";
import { LIMITS } from "./limits.ts";
import { LANGUAGE_MODELS } from "./models.ts";
import { PLUGINS } from "./plugins.ts";
import { SIGNATURES } from "./signatures.ts";
import { SUPPLY } from "./supply.ts";
import { TENANTS } from "./tenants.ts";
import { TOKENS } from "./tokens.ts";
import { TOKENS_SPENT } from "./tokens-spent.ts";

/** Each defence that is broken, by the threat that it stands against. */
export const MUTANTS: Mutant[] = [
  ...TOKENS,
  ...SIGNATURES,
  ...CALLERS,
  ...LIMITS,
  ...TENANTS,
  ...PLUGINS,
  ...CONTROLLER,
  ...SUPPLY,
  ...LANGUAGE_MODELS,
  ...BUDGETS,
  ...TOKENS_SPENT,
];
