import type { Mutant } from "../mutant.ts";
import { TOKENS } from "./tokens.ts";

/** Each defence that is broken, by the threat that it stands against. */
export const MUTANTS: Mutant[] = [...TOKENS];
