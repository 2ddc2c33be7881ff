import { z } from "zod";

/** How signed requests are checked (RFC 9421). */
export const signature = z.strictObject({
  maxSkewSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe("Accepted clock difference in seconds. Default: 300."),
  components: z
    .array(z.string().regex(/^@?[a-z0-9-]+$/, "must be a header or a derived component such as @authority"))
    .max(32)
    .optional()
    .describe("What signatures must cover beyond method, path, query, task and body. Default: nothing."),
  label: z
    .string()
    .max(64)
    .regex(/^[a-z*][a-z0-9_.*-]*$/, "must be a label such as sig1, in lower case")
    .optional()
    .describe(
      "Label of the signature that counts; others are left to whom they are for. Default: the only one.",
    ),
});
