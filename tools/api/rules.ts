import type { z } from "zod";

/** A rule between fields: checked here by `holds`, in the API server by the CEL expression `cel`. */
interface Rule<T> {
  holds: (value: T) => boolean;
  /**
   * Common Expression Language over `self`, for `x-kubernetes-validations`; none where the schema itself says
   * it.
   */
  cel?: string;
  message: string;
  /** What the value is instead, for the message of this process. */
  found?: (value: T) => string;
  /** The field to point at; the object itself by default. */
  path?: string[];
}

const VALIDATIONS = "x-kubernetes-validations";

/** The schema with rules between its fields, in this process and in the CRD alike, beside those it has. */
export function withRules<S extends z.ZodType>(schema: S, rules: Rule<z.output<S>>[]): S {
  let ruled = schema;
  for (const { holds, message, found, path } of rules)
    ruled = ruled.refine(holds, {
      error: ({ input }) => (found ? `${message}, ${found(input as z.output<S>)}` : message),
      path: path ?? [],
    });
  const meta = schema.meta();
  return ruled.meta({
    ...meta,
    [VALIDATIONS]: [
      ...((meta?.[VALIDATIONS] as object[] | undefined) ?? []),
      ...rules.flatMap(({ cel, message }) => (cel === undefined ? [] : [{ rule: cel, message }])),
    ],
  });
}
