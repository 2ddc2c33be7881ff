import { z } from "zod";
import { withRules } from "./rules.ts";

export const API_GROUP = "modelgate.dev";
export const API_VERSION = `${API_GROUP}/v1alpha1`;

/** A Kubernetes name of one label (RFC 1123), such as a namespace or Service. */
export const dnsLabel = () =>
  z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be lower-case letters, digits and '-', as a DNS label");

/** A Kubernetes name that may hold dots (RFC 1123 subdomain). */
export const dnsName = () =>
  z
    .string()
    .max(253)
    .regex(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
      "must be lower-case letters, digits, '-' and '.', as a DNS name",
    );

/** A host as Istio takes it: a DNS name, or one whose first label is or ends the wildcard `*`. */
export const host = () =>
  z
    .string()
    .max(253)
    .regex(
      /^(\*|(\*\.?)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$/,
      "must be a host such as search.models.example or *.models.example",
    );

export const port = () => z.int().min(1).max(65_535);

/** A task id, as it stands in the header `taskid`. */
export const taskid = () =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9._~-]+$/, "must be 1 to 128 of the characters A-Z a-z 0-9 . _ ~ -");

/** A version of a task, as it stands in the header `version`; also the name of an Istio subset. */
export const version = () =>
  z
    .string()
    .max(63)
    .regex(
      /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
      "must be a name such as v1, of at most 63 characters",
    );

export const headerName = () =>
  z
    .string()
    .max(128)
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, "must be a header name in lower case");

/**
 * Headers that the gateway, or the way to it, needs for something else than a key or the tenant's name;
 * filters/tenant-auth/own-headers.ts has the same.
 */
const RESERVED_HEADERS = [
  "taskid",
  "version",
  "host",
  "cookie",
  "accept",
  "connection",
  "content-digest",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "keep-alive",
  "proxy-connection",
  "signature",
  "signature-input",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** A header for a key or the tenant's name. @param further headers that have another use, too */
export const ownHeaderName = (...further: string[]) => {
  const reserved = [...RESERVED_HEADERS, ...further];
  return withRules(headerName(), [
    {
      holds: (name) => !reserved.includes(name),
      cel: `!(self in [${reserved.map((name) => `'${name}'`).join(", ")}])`,
      message: "must be a header of its own",
      found: (name) => `${name} has another use`,
    },
  ]);
};

export const sha256 = () =>
  z
    .string()
    .regex(
      /^[0-9a-f]{64}$/,
      "must be 64 lower-case hexadecimal digits (printf %s KEY | sha256sum prints them)",
    );

const LONGEST_MS = 365 * 24 * 3_600_000;

/** A span of time such as 500ms, 10s or 1h30m; far below the 292 years that Istio, in Go, can hold. */
export const duration = () =>
  withRules(
    z
      .string()
      .max(32)
      .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, {
        error: "must be a duration such as 500ms, 10s or 1h30m",
        abort: true,
      }),
    [
      {
        holds: (text) => durationMilliseconds(text) <= LONGEST_MS,
        cel: "duration(self) <= duration('8760h')",
        message: "must be at most a year (8760h)",
      },
    ],
  );

/** A span of time of at least 1 ms, below which Istio takes none. */
export const positiveDuration = () =>
  withRules(duration(), [
    {
      holds: (text) => durationMilliseconds(text) >= 1,
      cel: "duration(self) >= duration('1ms')",
      message: "must be at least 1ms",
    },
  ]);

/** An amount as Kubernetes writes it, such as 500m, 1.5 or 16Gi. */
export const quantity = () =>
  z.string().regex(/^[0-9]+(\.[0-9]+)?(m|k|[MGT]|[KMGT]i)?$/, "must be a quantity such as 500m, 1.5 or 16Gi");

const QUANTITY_FACTORS: Record<string, number> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Number that a quantity of the schema stands for: bytes, of memory. */
export function quantityValue(text: string): number {
  const [, number = "", unit = ""] = /^([0-9.]+)(.*)$/.exec(text) ?? [];
  return Number(number) * (QUANTITY_FACTORS[unit] ?? 1);
}

/** An image by digest, as `parseReference` reads it. */
export const imageByDigest = (example: string) =>
  z
    .string()
    .max(2048)
    .regex(
      /^oci:\/\/([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]+)?\/[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64}$/,
      `must be an image by digest such as ${example}@sha256:...`,
    );

/** Labels that select pods; none would select each of them. */
export const podLabels = () =>
  withRules(z.record(z.string(), z.string()), [
    {
      holds: (labels) => Object.keys(labels).length > 0,
      cel: "self.size() > 0",
      message: "must have a label: without one it selects every pod",
    },
  ]);

/**
 * Name of a Tenant: it is a label of all that is made for it, so it has at most the 63 characters of a label.
 */
export const tenantName = () => dnsName().max(63);

/** An instant, RFC 3339. */
export const instant = () =>
  z.iso.datetime({ offset: true, error: "must be a time such as 2027-01-31T00:00:00Z (RFC 3339)" });

export const percent = () => z.number().min(0).max(100);

const MAX_RATE = 1_000_000_000;

/** One in 1,000 of its window: the filter and the controller go no lower. */
const MIN_RATE = 0.001;

/** Requests in a second, or in another window; fractions are fine. */
export const rate = () => z.number().min(MIN_RATE).max(MAX_RATE);

export const mode = () =>
  z
    .enum(["enforce", "dryRun", "off"])
    .default("enforce")
    .describe("enforce refuses; dryRun only logs and counts what would be refused; off checks nothing.");

/** The mode of a task, instead of its tenant's. */
export const ownMode = () =>
  z
    .enum(["enforce", "dryRun", "off"])
    .optional()
    .describe("As the tenant's `mode`, for calls of this task. Default: the tenant's.");

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration that the schema has passed. */
export function durationMilliseconds(text: string): number {
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g))
    sum += Number(number) * (MILLISECONDS[unit as string] as number);
  return sum;
}
