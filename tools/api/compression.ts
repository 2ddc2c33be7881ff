import { z } from "zod";

/** Compressed bodies of requests and responses. */
export const compression = z.strictObject({
  requests: z
    .strictObject({
      maxBytes: z
        .int()
        .min(1)
        .max(1_073_741_824)
        .default(67_108_864)
        .describe(
          "Size that a body may have decompressed, in bytes; 413 beyond. Default: 67108864 (64 MiB).",
        ),
      maxRatio: z
        .int()
        .min(1)
        .max(1032)
        .default(100)
        .describe(
          "How many times its own size a body may have decompressed, beside 1 MiB; 413 beyond. 1032 is the most that gzip reaches. Default: 100.",
        ),
    })
    .optional()
    .describe(
      "Take request bodies with `Content-Encoding: gzip` or `deflate`; model servers get them decompressed. `{}` takes the defaults. Default: 415 where Modelgate converts, and elsewhere the model server gets them as they are.",
    ),
  responses: z
    .strictObject({
      minBytes: z
        .int()
        .min(30)
        .max(1_048_576)
        .default(1024)
        .describe("Size from which JSON of a known length is compressed. Default: 1024."),
    })
    .optional()
    .describe(
      "Compress JSON responses with gzip for callers whose `Accept-Encoding` asks for it; gRPC, streams and binary tensors stay as they are. `{}` takes the defaults. Default: off.",
    ),
});
