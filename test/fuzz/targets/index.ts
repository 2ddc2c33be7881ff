import type { Target } from "../target.ts";
import { batches } from "./batches.ts";

export const TARGETS: readonly Target[] = [...batches];
