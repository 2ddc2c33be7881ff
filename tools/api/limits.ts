import { z } from "zod";
import { exempt, pathTemplate } from "./exempt.ts";
import { headerName, rate } from "./fields.ts";
import { withRules } from "./rules.ts";

/** Longest list of windows: one of each length. */
const LENGTHS = ["minute", "hour", "day", "month"] as const;

const window = withRules(
  z.strictObject({
    per: z
      .enum(LENGTHS)
      .describe("Length of the window. A day and a month are those of the calendar, in UTC."),
    requests: rate().describe("Requests in it, on each gateway pod; at least 1 in a day or a month."),
  }),
  [
    {
      holds: ({ per, requests }) => requests >= 1 || (per !== "day" && per !== "month"),
      cel: "self.requests >= 1 || !(self.per in ['day', 'month'])",
      message: "must be at least 1 in a day or a month",
      path: ["requests"],
    },
  ],
);

const windows = () =>
  z
    .array(window)
    .max(LENGTHS.length)
    .optional()
    .describe("Further limits over longer windows; each must have room for a request.");

const windowsRule = {
  holds: ({ windows = [] }: { windows?: z.output<typeof window>[] | undefined }) =>
    new Set(windows.map(({ per }) => per)).size === windows.length,
  cel: "!has(self.windows) || self.windows.all(w, self.windows.exists_one(v, v.per == w.per))",
  message: "must not hold one length twice",
  path: ["windows"],
};

const MOST_TOKENS = 1_000_000_000;

/** What a request takes of a limit. */
const cost = () =>
  withRules(
    z.strictObject({
      fixed: z
        .int()
        .min(0)
        .max(MOST_TOKENS)
        .optional()
        .describe("Tokens of each request, or of those without the header or a length. Default: 1."),
      header: headerName()
        .optional()
        .describe("Header whose whole number is the cost, such as a count of rows. Default: none."),
      bytesPerToken: z
        .int()
        .min(1)
        .max(MOST_TOKENS)
        .optional()
        .describe("Bytes of the request body that cost one token. Default: the body costs nothing."),
      max: z
        .int()
        .min(1)
        .max(MOST_TOKENS)
        .optional()
        .describe("Most that a request costs; a header beyond is refused. Default: 1000000000."),
    }),
    [
      {
        holds: ({ header, bytesPerToken }) => header === undefined || bytesPerToken === undefined,
        cel: "!has(self.header) || !has(self.bytesPerToken)",
        message: "must not stand beside header",
        path: ["bytesPerToken"],
      },
      {
        holds: ({ fixed = 1, max = MOST_TOKENS }) => fixed <= max,
        cel: "!has(self.fixed) || !has(self.max) || self.fixed <= self.max",
        message: "must be at most max",
        path: ["fixed"],
      },
    ],
  )
    .optional()
    .describe("What a request counts, in the windows as well. Default: one.");

const burst = () => rate().optional().describe("Requests at once. Default: those of one second.");

/** Of limits whose rate no controller finds out: a rate or a window, and nothing at once without a rate. */
const rateRules = [
  {
    holds: ({ requestsPerSecond, windows = [] }: Limits) =>
      requestsPerSecond !== undefined || windows.length > 0,
    cel: "has(self.requestsPerSecond) || (has(self.windows) && self.windows.size() > 0)",
    message: "needs requestsPerSecond or windows",
  },
  {
    holds: ({ requestsPerSecond, burst }: Limits) => burst === undefined || requestsPerSecond !== undefined,
    cel: "!has(self.burst) || has(self.requestsPerSecond)",
    message: "needs requestsPerSecond",
    path: ["burst"],
  },
];

/** Limits of a task. */
export const taskLimits = withRules(
  z.strictObject({
    requestsPerSecond: rate()
      .optional()
      .describe("Requests per second over all gateway pods. Set either this or `perReplica`."),
    perReplica: rate()
      .optional()
      .describe(
        "Requests per second for each ready replica of the task, so that the limit follows scaling. Set either this or `requestsPerSecond`.",
      ),
    burst: rate()
      .optional()
      .describe("Requests at once, over all gateway pods. Default: those of one second."),
    windows: windows(),
    cost: cost(),
    exempt: exempt(),
    maxInFlightPerReplica: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe("Maximum requests in flight per ready replica. Default: no limit."),
  }),
  [
    windowsRule,
    {
      holds: (limits) => (limits.requestsPerSecond === undefined) !== (limits.perReplica === undefined),
      cel: "has(self.requestsPerSecond) != has(self.perReplica)",
      message: "needs requestsPerSecond or perReplica (one of them)",
    },
  ],
);

/** Limits of a tenant as a whole. */
export const tenantLimits = withRules(
  z.strictObject({
    requestsPerSecond: rate()
      .optional()
      .describe("Requests per second over all tasks and gateway pods of the tenant. Default: windows alone."),
    burst: burst(),
    windows: windows(),
    cost: cost(),
    exempt: exempt(),
  }),
  [windowsRule, ...rateRules],
);

/** A limit for each value of a header, or for each thing that a path names. */
export const descriptor = withRules(
  z.strictObject({
    name: z
      .string()
      .max(63)
      .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, "must be a word such as user, of a-z, 0-9 and -")
      .describe("What refusals and the headers of quotas call the limit."),
    header: headerName()
      .optional()
      .describe("Header of whose values each has the limit. Set either this or `path`."),
    path: pathTemplate()
      .optional()
      .describe(
        "Path, of which a part in braces stands for one segment: each combination has the limit, as each `{model}` of `/v2/models/{model}/infer`.",
      ),
    maxKeys: z
      .int()
      .min(1)
      .max(65_536)
      .default(4096)
      .describe("Values that are told apart; the fullest makes room for others. Default: 4096."),
    requestsPerSecond: rate().optional().describe("Requests per second of each value, on each gateway pod."),
    burst: burst(),
    windows: windows(),
    cost: cost(),
    exempt: exempt(),
  }),
  [
    windowsRule,
    {
      holds: ({ header, path }) => (header === undefined) !== (path === undefined),
      cel: "has(self.header) != has(self.path)",
      message: "needs header or path (one of them)",
    },
    ...rateRules,
  ],
);

export type Descriptor = z.output<typeof descriptor>;

/** Requests that wait for a token instead of being refused. */
export const queue = z.strictObject({
  maxMilliseconds: z
    .int()
    .min(1)
    .max(60_000)
    .default(100)
    .describe("How long a request may wait for a token. Default: 100."),
  maxStreams: z
    .int()
    .min(1)
    .max(4096)
    .default(256)
    .describe("Requests that may wait at once in a worker thread of a gateway pod. Default: 256."),
});

/** Limits of any kind. */
export interface Limits {
  requestsPerSecond?: number | undefined;
  burst?: number | undefined;
  windows?: z.output<typeof window>[] | undefined;
  cost?: z.output<ReturnType<typeof cost>>;
  exempt?: z.output<ReturnType<typeof exempt>>;
}
