import type { Target } from "../target.ts";
import { batches } from "./batches.ts";
import { conversionRequests } from "./conversion-requests.ts";

export const TARGETS: readonly Target[] = [...conversionRequests, ...batches];
