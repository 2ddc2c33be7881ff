import { type Fault, formatPath } from "../../tools/api/fault.ts";

interface Rule {
  /** Of the field; any by default. */
  path?: RegExp;
  message?: RegExp;
  reason: string;
}

/** Rules of schema and cross-checks that are none of the filter's. */
const RULES: Rule[] = [
  {
    message: /^must be (an? (list|object|string|boolean|number)\b|of \w+)|^is required|^Unrecognized key/,
    reason: "a field's type: the rendering is typed, and makes of another type whatever comes out",
  },
  {
    message: /^must (be at most|have at most)/,
    reason: "bounds of size, which the API server needs to price its rules; the filter has room for more",
  },
  {
    message:
      /^must be (at least 1 character long|a header name in lower case)$|^must (not hold|have at least)/,
    path: /^spec\.(apiKey\.headers(\[\d+\])?|priorities\.header|tenantHeader|gateway\.tuning\.accessLog\.fields)$/,
    reason: "one spelling: the filter lowers letters, and takes authorization and defaults anyhow",
  },
  {
    path: /\.redact\.queryParameters\[\d+\]$/,
    message: /^must be at least 1/,
    reason: "a parameter without a name: it is left out of the log as others are, which is no harm",
  },
  {
    path: /\.collector\.port$/,
    reason: "a Service's port, part of the name of Envoy's cluster: the filter gets that name",
  },
  {
    path: /\.accessLog\.fields\[\d+\]\.as$/,
    message: /^must be printable ASCII/,
    reason: "names of lines that Envoy writes itself to a file; the filter escapes others",
  },
  {
    path: /^spec\.conversion\.protocol$/,
    reason: "which stage is rendered: what is no protocol that passes HTTP through is converted",
  },
  {
    path: /^spec\.(credentials\[\d+\]\.priority|priorities\.classes\[\d+\]\.name)$/,
    reason: "names of classes: the filter gets credentials by class, and no name that nothing has",
  },
  {
    path: /\.secretRef(\.(name|key))?$|\.tokenSecret$/,
    reason: "names of Secrets in Kubernetes: the filter gets what they hold",
  },
  {
    path: /^spec\.credentials\[\d+\]\.(hosts|methods)\[\d+\]$/,
    reason: "a host or method that no request has: such a credential may call nothing, which is safe",
  },
  {
    path: /^spec\.(taskid|credentials\[\d+\]\.id)$/,
    reason: "characters of names in Kubernetes objects, routes and revocations; the filter compares bytes",
  },
  {
    path: /(^spec|\])\.tasks\[\d+\]\.(task|versions\[\d+\])$/,
    reason: "a task or version that can't be: the grant is for nothing, which is safe",
  },
  {
    path: /^spec\.signature\.components\[\d+\]$/,
    reason: "what no signature can cover: such requests are refused, which is safe",
  },
  {
    path: /^spec\.jwtIssuers\[\d+\]\.(audiences|clientIds)(\[\d+\])?$/,
    message: /^must (be|have) at least 1/,
    reason: "an audience without a name, or one list of two left empty: no token gets in by it",
  },
  {
    path: /^spec\.(credentials\[\d+\])$/,
    message: /^of type /,
    reason: "what a type has beside its proof: the rendering takes one and leaves out the other",
  },
  {
    path: /^spec\.limits$/,
    message: /^needs requestsPerSecond or perReplica/,
    reason: "a limit of each replica has no rate in the configuration: the controller gives it",
  },
  {
    path: /^spec\.publicPaths\[\d+\]\.(task|gateway)$/,
    message: /is no task id of|is for no gRPC method|^must be 1 to 128/,
    reason:
      "a task that is not there, or a gRPC call without one: the request finds no route, or needs a credential",
  },
  {
    path: /^spec\.(revoked|jwtIssuers\[\d+\]\.algorithms)$/,
    reason: "one twice is no harm to the filter; lists of Kubernetes are sets",
  },
  {
    message: /^must be a (whole number|duration)/,
    reason:
      "seconds of a claim's leeway and durations: the rendering makes milliseconds or cuts fractions off",
  },
];

/** Why the schema or a cross-check may refuse what the filter takes; undefined: it may not. */
export function ruleOfSchemaAlone({ path, message }: Fault): string | undefined {
  const at = formatPath(path);
  const isIt = (rule: Rule) => (rule.path?.test(at) ?? true) && (rule.message?.test(message) ?? true);
  return RULES.find(isIt)?.reason;
}
