import { z } from "zod";
import { dnsLabel, duration, version } from "./fields.ts";
import { withRules } from "./rules.ts";

const SOURCES = ["method", "path", "file", "model"] as const;

/**
 * A request to a model server, written out, read from a file, or made from what the model says of its inputs.
 */
export const modelRequest = withRules(
  z.strictObject({
    method: z
      .string()
      .max(512)
      .regex(/^\/[^/\s]+\/[^/\s]+$/, "must be /package.Service/Method")
      .optional()
      .describe("gRPC method, such as /inference.GRPCInferenceService/ModelInfer; takes `message`."),
    message: z.looseObject({}).optional().describe("The request message as protobuf JSON. Default: empty."),
    path: z
      .string()
      .max(2048)
      .regex(/^\//, 'must start with "/"')
      .optional()
      .describe("HTTP path, such as /v2/models/ranking/infer; a POST of `body`, or a GET without one."),
    body: z.looseObject({}).optional().describe("JSON body of the POST."),
    file: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        "File of such requests, one JSON object a line, sent in turn. It must be there where the requests are sent from.",
      ),
    model: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        "Name of the model, as its server calls it; requests are made from the inputs that the model server says it takes, by `conversion.protocol`, or are chats for `protocol: openai`.",
      ),
    version: version()
      .optional()
      .describe("Version of the model, as the model server names it. Default: its own."),
    signature: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe("Signature of a TensorFlow Serving model. Default: serving_default."),
    batch: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe("Size of variable dimensions in generated requests; words of a generated chat. Default: 1."),
  }),
  [
    {
      holds: (request) => SOURCES.filter((source) => request[source] !== undefined).length === 1,
      cel: `[${SOURCES.map((source) => `has(self.${source})`).join(", ")}].filter(x, x).size() == 1`,
      message: "needs method, path, file or model (one of them)",
    },
  ],
);

export type ModelRequest = z.output<typeof modelRequest>;

/** How a new replica comes under load. */
export const warmUp = withRules(
  z.strictObject({
    duration: duration()
      .default("10s")
      .describe("A new replica's share of the traffic grows over this time. Default: 10s."),
    requests: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe("Number of warm-up requests before a replica is ready. Default: 0."),
    request: modelRequest
      .optional()
      .describe("What a warm-up request is; also what `modelgate loadtest` sends."),
    concurrency: z.int().min(1).max(1000).default(1).describe("Concurrent warm-up requests. Default: 1."),
    timeout: duration()
      .default("60s")
      .describe(
        "Time for the whole warm-up, the model's loading included; then the replica has failed. Default: 60s.",
      ),
    success: z
      .strictObject({
        consecutive: z
          .int()
          .min(1)
          .max(10_000)
          .default(5)
          .describe("Number of answers in a row that must be fast enough. Default: 5."),
        latency: duration().describe("Longest time of each of these answers."),
      })
      .optional()
      .describe("When a replica counts as warm, besides `requests`. Default: no further condition."),
  }),
  [
    {
      holds: ({ requests, success, request }) =>
        request !== undefined || (requests === 0 && success === undefined),
      cel: "has(self.request) || (!has(self.success) && (!has(self.requests) || self.requests == 0))",
      message: "needs a request to send",
      path: ["request"],
    },
  ],
);

/** How a replica leaves. */
export const drain = z.strictObject({
  endpointTimeout: duration()
    .default("15s")
    .describe(
      "Longest wait for the gateways to stop using a replica that ends; also what is waited when they can't be asked. Default: 15s.",
    ),
  requestTimeout: duration()
    .optional()
    .describe("Longest wait for the requests that are under way after that. Default: the task's timeout."),
});

/** Which pods serve the task. */
export const workload = z.strictObject({
  deployment: dnsLabel().optional().describe("Deployment of the model server. Default: the Service's name."),
  container: dnsLabel().default("model").describe("Container that serves the model. Default: model."),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe("Port that the container listens on. Default: that of the Service."),
});
