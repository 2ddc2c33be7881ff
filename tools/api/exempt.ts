import { z } from "zod";

/** A path in which a segment in braces stands for any one. */
export const pathTemplate = () =>
  z
    .string()
    .max(1024)
    .regex(
      /^(\/(\{[A-Za-z0-9_]+\}|[^/{}?#\s]*))+$/,
      "must be a path such as /v2/models/{model}/infer, without a query",
    );

/** Requests that a limit does not count. */
export const exempt = () =>
  z
    .strictObject({
      credentials: z
        .array(
          z
            .string()
            .max(128)
            .regex(/^[A-Za-z0-9._@-]+$/, "must be the id of a credential"),
        )
        .max(256)
        .optional()
        .describe("Ids of the tenant's credentials whose requests are not counted. Default: none."),
      paths: z
        .array(pathTemplate())
        .max(64)
        .optional()
        .describe(
          "Paths whose requests are not counted, such as `/v2/models/{model}/ready`; a part in braces stands for one segment. A path with `%` in it never is one of them. Default: none.",
        ),
    })
    .optional()
    .describe(
      "Requests that the limit does not count and never refuses. They are in flight as others are. Default: none.",
    );
