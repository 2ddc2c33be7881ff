import type { Manifest } from "../../lib/kubernetes/manifest.ts";

/** A condition as of metav1.Condition (KEP-1623). */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  observedGeneration: number;
  /** RFC 3339. */
  lastTransitionTime: string;
  /** CamelCase, for programs. */
  reason: string;
  message: string;
}

export interface Status {
  observedGeneration?: number;
  conditions?: Condition[];
  /** JSON: the spec that was applied last, which is served while a later one is at fault. */
  applied?: string;
}

/** Whether the resource as it is now was applied (0), an earlier version of it (1), or none (2). */
export function incumbency({ metadata, status }: Manifest): 0 | 1 | 2 {
  const ready = readyCondition(status as Status | undefined);
  if (ready?.status !== "True") return 2;
  return ready.observedGeneration === metadata.generation ? 0 : 1;
}

export function readyCondition({ conditions = [] }: Status = {}): Condition | undefined {
  return conditions.find(({ type }) => type === "Ready");
}

/** The object with the spec that was applied last; undefined when none is known, or it is the present one. */
export function lastApplied(object: Manifest): Manifest | undefined {
  const { applied } = (object.status ?? {}) as Status;
  if (applied === undefined || applied === JSON.stringify(object.spec)) return undefined;
  try {
    return { ...object, spec: JSON.parse(applied) as Manifest["spec"] };
  } catch {
    // Somebody else wrote it.
    return undefined;
  }
}
