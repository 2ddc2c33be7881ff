import { z } from "zod";
import { LOG_FIELDS, LOGGED_HEADERS, type LogField, type NamedField } from "../lib/envoy/log-fields.ts";
import { dnsLabel, dnsName, duration, durationMilliseconds, port, positiveDuration } from "./fields.ts";
import { withRules } from "./rules.ts";

const field = z.strictObject({
  field: z.enum(LOG_FIELDS).describe("The field, by its usual name."),
  as: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[ -~]+$/, "must be printable ASCII")
    .optional()
    .describe("Its name in the line. Default: its usual name."),
});

const fields = withRules(
  z
    .array(field)
    .min(1)
    .max(64)
    .describe(
      "Fields of a line. Default: all but phases, which cost clock calls. start_time is in every line of a file.",
    )
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["field"] }),
  [
    {
      holds: (list) => new Set(list.map((each) => each.field)).size === list.length,
      message: "must not hold a field twice",
    },
    {
      holds: (list) => new Set(list.map(({ field: name, as = name }) => as)).size === list.length,
      message: "must not give two fields one name",
    },
  ],
);

const sample = z.strictObject({
  ratio: z
    .number()
    .min(0)
    .max(1)
    .describe(
      "Share of the requests to log, chosen by trace id (traceparent), else by request id. Errors are always logged.",
    ),
  slowerThan: duration()
    .optional()
    .describe("Requests that take at least this long are always logged. Default: off."),
});

const collector = z.strictObject({
  namespace: dnsLabel()
    .default("modelgate-system")
    .describe("Namespace of its Service. Default: modelgate-system."),
  service: dnsLabel().default("modelgate-collector").describe("Its Service. Default: modelgate-collector."),
  port: port().default(8093).describe("Its port for batches. Default: 8093."),
  tokenSecret: dnsName()
    .optional()
    .describe(
      "Secret in the gateway's namespace whose key `token` the gateway proves itself to the collector with, one of its --sender-token-file. Default: no proof.",
    ),
  format: z.enum(["json", "protobuf"]).default("json").describe("Format of the lines. Default: json."),
  timeout: withRules(positiveDuration(), [
    {
      holds: (text) => durationMilliseconds(text) >= 10,
      cel: "duration(self) >= duration('10ms')",
      message: "must be at least 10ms",
    },
  ])
    .default("5s")
    .describe("Time to wait for an answer before a batch is sent again. Default: 5s."),
  maxQueueBytes: z
    .int()
    .min(32_768)
    .max(1_073_741_824)
    .default(16_777_216)
    .describe(
      "Bytes of lines that wait in a gateway pod; beyond, lines are dropped and counted. Default: 16 MiB.",
    ),
});

/**
 * What the collector tells lines apart by and computes metrics from; filters/access-log/read-config.ts has
 * the same.
 */
const COLLECTED: LogField[] = [
  "start_time",
  "duration",
  "response_code",
  "grpc_status",
  "hostname",
  "request_id",
];

function missing(fields: NamedField[]): LogField[] {
  return COLLECTED.filter((name) => !fields.some(({ field }) => field === name));
}

function renamed(fields: NamedField[]): NamedField[] {
  return fields.filter(({ field, as = field }) => as !== field);
}

const settings = z.strictObject({
  path: z
    .string()
    .regex(/^\//, 'must start with "/"')
    .max(4096)
    .default("/dev/stdout")
    .describe("File for the lines, one JSON object each. Default: /dev/stdout."),
  collector: collector
    .optional()
    .describe(
      "Send the lines to the collector in batches, not to a file. Default: to the file, which costs less.",
    ),
  fields: fields.optional(),
  maxValueBytes: z
    .int()
    .min(64)
    .max(8192)
    .default(512)
    .describe("Longest text of a field that the filter writes, in bytes; the rest is cut off. Default: 512."),
  redact: z
    .strictObject({
      queryParameters: z
        .array(z.string().min(1).max(128))
        .max(64)
        .default([])
        .describe("Query parameters to leave out. Default: none; the one for API keys is always left out."),
      headers: z
        .array(z.enum(LOGGED_HEADERS))
        .max(64)
        .default([])
        .describe("Headers whose values are left out, such as user-agent. Default: none."),
      paths: z
        .array(z.string().regex(/^\//, 'must start with "/"').max(512))
        .max(64)
        .default([])
        .describe(
          "Paths such as /users/*: what a segment * stands for is not shown, nor what a ** at the end does.",
        ),
    })
    .prefault({})
    .describe("What to leave out of the log."),
  sample: sample.optional().describe("Log only some of the requests. Default: all."),
});

/** The access log of a gateway. */
export const accessLogSettings = withRules(settings, [
  {
    holds: ({ collector, fields = [] }) =>
      collector !== undefined ||
      fields.some(({ field }) => field === "start_time") ||
      !fields.some(({ as }) => as === "start_time"),
    cel: "has(self.collector) || !has(self.fields) || self.fields.exists(f, f.field == 'start_time') || !self.fields.exists(f, has(f.as) && f.as == 'start_time')",
    message: "must not give another field the name start_time, which each line of a file has",
    path: ["fields"],
  },
  {
    holds: ({ collector, fields }) => !collector || !fields || missing(fields).length === 0,
    cel: `!has(self.collector) || !has(self.fields) || [${COLLECTED.map((name) => `'${name}'`).join(", ")}].all(n, self.fields.exists(f, f.field == n))`,
    message: `beside a collector must hold ${COLLECTED.join(", ")}: it counts by them`,
    found: ({ fields = [] }) => `and lacks ${missing(fields).join(", ")}`,
    path: ["fields"],
  },
  {
    holds: ({ collector, fields }) => !collector || !fields || renamed(fields).length === 0,
    cel: "!has(self.collector) || !has(self.fields) || self.fields.all(f, !has(f.as) || f.as == f.field)",
    message: "beside a collector can't have other names, for it knows them by their usual ones",
    found: ({ fields = [] }) =>
      `unlike ${renamed(fields)
        .map(({ field, as }) => `${field} as ${as}`)
        .join(", ")}`,
    path: ["fields"],
  },
]);

export type AccessLogSettings = z.output<typeof accessLogSettings>;
