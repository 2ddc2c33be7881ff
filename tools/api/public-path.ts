import { z } from "zod";

/** A path that needs no credential. */
export const publicPath = z.strictObject({
  path: z
    .string()
    .max(1024)
    .regex(
      /^(\/(\*|[^/?#*\s]*))+$/,
      "must be a path such as /v2/health/ready or /v2/models/*/ready, without a query",
    )
    .describe(
      "Path of GET and HEAD, or of a gRPC method such as `/grpc.health.v1.Health/Check`. A segment `*` stands for any one. The request names its task in the header taskid.",
    ),
});
