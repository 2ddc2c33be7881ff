import { type Fault, formatPath } from "../../tools/api/fault.ts";

/**
 * What kind of issue a fault is: zod's code, `absent` for a field that is not there, `custom` for rules
 * between fields.
 */
export interface Said {
  code: string;
}

interface Rule {
  /** The field, with `[]` for an index. */
  path: RegExp;
  code: RegExp;
  message?: RegExp;
  reason: string;
}

/** Of a task, a tenant, or a descriptor. */
const LIMIT = String.raw`spec\.(limits|descriptors\[\])\.`;
const LOG = String.raw`spec\.gateway\.tuning\.accessLog\.`;
const CREDENTIAL = String.raw`spec\.credentials\[\]\.`;
const ISSUER = String.raw`spec\.jwtIssuers\[\]\.`;
const at = (...paths: string[]) => new RegExp(`^(${paths.join("|")})$`);

/** Rules of schema and cross-checks that are none of the filter's. */
const RULES: Rule[] = [
  {
    path: /./,
    code: /^unrecognized_keys$/,
    reason: "a field that is none: nothing of it is rendered",
  },
  {
    path: at(
      String.raw`spec\.(apiKey|signature|cors|openai(\.tokenLimits)?|tokenLimits|compression(\.requests)?|queue|credentialShare|priorities|limits)`,
      String.raw`${LIMIT}(cost|exempt|windows\[\])`,
      `${LOG}(collector|sample)`,
      `${CREDENTIAL}secretRef`,
      `${ISSUER}claims`,
    ),
    code: /^invalid_type$/,
    message: /^must be an object/,
    reason:
      "the rendering takes members by name, and what is no object has none: it is as left out, or as {}",
  },
  {
    path: at(
      String.raw`spec\.(publicPaths|descriptors|openai\.models|revoked|jwtIssuers|cors\.(methods|headers)|conversion\.signatures)`,
      `${LIMIT}windows`,
      `${LOG}(fields|redact\\.(queryParameters|headers|paths))`,
      `${CREDENTIAL}(methods|hosts|tasks)`,
      String.raw`(spec\.|${CREDENTIAL})tasks\[\]\.versions`,
      `${ISSUER}(audiences|clientIds|algorithms)`,
    ),
    code: /^invalid_type$/,
    message: /^must be a list/,
    reason: "the rendering asks whether there are items, and what is no list has none: it is as left out",
  },
  {
    path: at(
      String.raw`spec\.(rateLimitHeaders|cors\.credentials)`,
      `${CREDENTIAL}enabled`,
      `${ISSUER}requireExpiry`,
      String.raw`(spec\.|${CREDENTIAL})tasks\[\]\.inspect`,
      String.raw`spec\.publicPaths\[\]\.gateway`,
    ),
    code: /^invalid_type$/,
    message: /^must be a boolean/,
    reason: "the rendering asks whether it is on: what is neither true nor false is one of them to it",
  },
  {
    path: at(
      String.raw`${LOG}collector\.(namespace|service|tokenSecret|port)`,
      String.raw`${CREDENTIAL}(secretRef\.(name|key)|priority)`,
      String.raw`spec\.priorities\.default`,
    ),
    code: /^invalid_type$/,
    message: /^must be a (string|(whole )?number)/,
    reason: "names and ports that the filter gets as part of another name, or gets what they stand for",
  },
  {
    path: at(
      String.raw`${LIMIT}cost\.(fixed|max|bytesPerToken)`,
      String.raw`spec\.(queue\.\w+|descriptors\[\]\.maxKeys|credentialShare\.maxInFlight)`,
      String.raw`spec\.(conversion\.\w+Bytes|compression\.requests\.max(Bytes|Ratio))`,
    ),
    code: /^invalid_type$/,
    message: /^must be a whole number/,
    reason:
      "parts of a token, a millisecond, a place, a byte or a ratio: the filter cuts them off or counts with them",
  },
  {
    path: at(`${LIMIT}${String.raw`windows\[\](\.(per|requests))?`}`, String.raw`${LOG}sample\.ratio`),
    code: /^absent$/,
    reason: "left out, it is left out of the configuration, which is whole without",
  },
  {
    path: at(
      String.raw`spec\.conversion\.(max(Request|Response)Bytes|raw\.(name|shape(\[\])?)|signatures(\[\]\.((in|out)puts(\[\]\.name)?|name))?)`,
      String.raw`spec\.cors\.(origins|headers)(\[\])?`,
      String.raw`${CREDENTIAL}(id|issuer|subject|priority|secretRef\.(name|key)|hosts(\[\])?|tasks\[\]\.versions(\[\])?)`,
      String.raw`${ISSUER}(issuer|audiences(\[\])?|clientIds(\[\])?|jwks|jwksUri|cluster|claims\.\w+|leewaySeconds)`,
      String.raw`spec\.(taskid|tenantHeader|tasks\[\]\.versions(\[\])?|publicPaths(\[\]\.path)?)`,
      String.raw`spec\.apiKey\.(headers\[\]|queryParameter)`,
      String.raw`${LIMIT}(requestsPerSecond|burst|windows\[\]\.requests|cost\.(header|bytesPerToken))`,
      String.raw`spec\.descriptors\[\]\.(name|header|path)`,
      String.raw`spec\.priorities\.(header|default|classes\[\]\.name)`,
      String.raw`spec\.signature\.(maxSkewSeconds|components|label)`,
      String.raw`${LOG}(fields\[\]\.as|collector\.\w+|redact\.(queryParameters|paths)(\[\])?)`,
    ),
    code: /^too_big$/,
    reason: "bounds of size, by which the API server prices its rules; the filter has room for more",
  },
  {
    path: at(
      String.raw`spec\.(cors\.maxAge|stream\.(idleTimeout|timeout))`,
      `${ISSUER}refresh`,
      String.raw`${LOG}(sample\.slowerThan|collector\.timeout)`,
    ),
    code: /^(invalid_format|too_big|custom)$/,
    reason: "spellings of a duration: the rendering makes a number of any",
  },
  {
    path: at(String.raw`spec\.priorities\.classes\[\]\.reservedPercent`),
    code: /^invalid_type$/,
    message: /^must be a number/,
    reason: "the rendering divides it, which makes a number of digits in quotes",
  },
  {
    path: at(`${ISSUER}leewaySeconds`, String.raw`spec\.signature\.maxSkewSeconds`),
    code: /^invalid_type$/,
    message: /^must be a whole number/,
    reason: "parts of a second: the filter cuts them off",
  },
  {
    path: at(
      String.raw`spec\.apiKey\.headers\[\]`,
      String.raw`spec\.(tenantHeader|priorities\.header|cors\.headers\[\])`,
      String.raw`${LIMIT}(cost\.)?header`,
    ),
    code: /^invalid_format$/,
    reason: "one spelling, lower case, of a header's name: the filter lowers letters",
  },
  {
    path: at(String.raw`spec\.(apiKey\.headers|revoked)`, `${ISSUER}algorithms`, `${LOG}fields`),
    code: /^custom$/,
    message: /^must not hold an? \w+ twice/,
    reason: "one twice is no harm to the filter; lists of Kubernetes are sets",
  },
  {
    path: at(String.raw`spec\.apiKey\.headers`, `${LOG}fields`),
    code: /^too_small$/,
    reason: "an empty list for the default: the filter takes the default",
  },
  {
    path: at(String.raw`${LOG}redact\.queryParameters\[\]`),
    code: /^too_small$/,
    reason: "a parameter without a name: it is left out of the log as others are, which is no harm",
  },
  {
    path: at(`${ISSUER}(audiences|clientIds|algorithms)`, String.raw`${ISSUER}(audiences|clientIds)\[\]`),
    code: /^too_small$/,
    reason: "an audience without a name, or one list of two left empty: no token gets in by it",
  },
  {
    path: at(String.raw`${LOG}collector\.(namespace|service|tokenSecret|port)`),
    code: /^(invalid_format|too_small)$/,
    reason:
      "names and ports in Kubernetes: the filter gets the name of Envoy's cluster, or what the Secret holds",
  },
  {
    path: at(String.raw`${LOG}fields\[\]\.as`),
    code: /^invalid_format$/,
    reason: "names of lines that Envoy writes itself to a file; the filter escapes others",
  },
  {
    path: at(String.raw`spec\.(protocol|conversion\.protocol|openai\.server)`),
    code: /^(invalid_value|custom)$/,
    reason: "which stage is rendered: what is no protocol that passes HTTP through is converted",
  },
  {
    path: at(
      String.raw`spec\.(protocol|openai(\.(server|models(\[\])?|servedModel|basePath|apiKeySecret(\.\w+)?))?)`,
      String.raw`spec\.openai\.(tensors|chat)(\.\w+(\[\](\.\w+)?)?)?`,
    ),
    code: /^(invalid_value|invalid_type|invalid_format|too_big|too_small|custom)$/,
    reason: "words, names and paths: the filter compares them with what callers write and knows no others",
  },
  {
    path: at(String.raw`spec\.conversion\.(contentType|converter)`),
    code: /^(invalid_format|custom)$/,
    reason: "an image and what it writes: the converter's own, behind the filter",
  },
  {
    path: at(String.raw`spec\.conversion\.converter`),
    code: /^invalid_type$/,
    reason: "an image: the filter gets to know that there is one",
  },
  {
    path: at(String.raw`spec\.autoscaling(\.inFlightPerReplica)?`),
    code: /^custom$/,
    reason: "how many replicas run is the controller's",
  },
  {
    path: at(String.raw`spec\.limits`),
    code: /^custom$/,
    message: /^needs requestsPerSecond or perReplica/,
    reason: "a limit of each replica has no rate in the configuration: the controller gives it",
  },
  {
    path: at(`${LIMIT}windows`),
    code: /^custom$/,
    message: /^must not hold one length twice/,
    reason: "the configuration has one limit of each length: the last",
  },
  {
    path: at(String.raw`spec\.descriptors\[\]\.name`),
    code: /^invalid_format$/,
    reason: "one spelling of names; the filter takes what may stand in a header's quotes",
  },
  {
    path: at(String.raw`spec\.descriptors\[\]\.path`),
    code: /^invalid_format$/,
    reason: "paths that no request has: the filter compares bytes",
  },
  {
    path: at(String.raw`${LIMIT}exempt(\.(paths|credentials)(\[\])?)?`),
    code: /^(custom|invalid_format|too_big)$/,
    reason: "credentials that are not there and paths that no request has: nothing is exempt by them",
  },
  {
    path: at(String.raw`spec\.credentials`),
    code: /^custom$/,
    message: /^must not hold an id twice/,
    reason: "two proofs under one id: to the filter they are one caller, and are revoked together",
  },
  {
    path: at(String.raw`spec\.publicPaths\[\]\.(task|gateway)`),
    code: /^(custom|invalid_format|too_big)$/,
    message: /is no task id of|is for no gRPC method|^must be (1 to|at most) 128/,
    reason:
      "a task that is not there, or a gRPC call without one: the request finds no route, or needs a credential",
  },
  {
    path: at(String.raw`spec\.budgets\[\]\.(for\.(credentials|tasks)\[\]|lowerTo|whenSpent)`),
    code: /^custom$/,
    message: / is no |^lower needs spec\.priorities/,
    reason: "what counts towards a budget is the controller's: the filter gets to know that there are some",
  },
  {
    path: at(`${CREDENTIAL}priority`, String.raw`spec\.priorities\.classes\[\]\.name`),
    code: /^(invalid_format|custom|too_small)$/,
    reason: "names of classes: the filter gets credentials by class, and no name that nothing has",
  },
  {
    path: at(
      String.raw`${CREDENTIAL}secretRef(\.(name|key))?`,
      String.raw`spec\.openai\.apiKeySecret\.(name|key)`,
    ),
    code: /^(absent|invalid_format|too_small)$/,
    reason: "names of Secrets in Kubernetes: the filter gets what they hold",
  },
  {
    path: at(String.raw`spec\.credentials\[\]`),
    code: /^custom$/,
    message: /^of type /,
    reason: "what a type has beside its proof: the rendering takes one and leaves out the other",
  },
  {
    path: at(String.raw`${CREDENTIAL}hosts\[\]`, String.raw`${CREDENTIAL}methods\[\]`),
    code: /^invalid_(format|value)$/,
    reason: "a host or method that no request has: such a credential may call nothing, which is safe",
  },
  {
    path: at(String.raw`spec\.cors\.origins\[\]`),
    code: /^invalid_format$/,
    reason: "an origin that no browser sends: no page is let in by it",
  },
  {
    path: at(String.raw`spec\.taskid`, `${CREDENTIAL}id`),
    code: /^invalid_format$/,
    reason: "characters of names in Kubernetes objects, routes and revocations; the filter compares bytes",
  },
  {
    path: at(String.raw`(spec\.|${CREDENTIAL})tasks\[\]\.(task|versions\[\])`),
    code: /^invalid_format$/,
    reason: "a task or version that can't be: the grant is for nothing, which is safe",
  },
  {
    path: at(String.raw`spec\.signature\.components\[\]`),
    code: /^invalid_format$/,
    reason: "what no signature can cover: such requests are refused, which is safe",
  },
];

/** Why the schema or a cross-check may refuse what the filter takes; undefined: it may not. */
export function ruleOfSchemaAlone({ path, message, code }: Fault & Said): string | undefined {
  const place = formatPath(path).replaceAll(/\[\d+\]/g, "[]");
  return RULES.find(
    (rule) => rule.path.test(place) && rule.code.test(code) && (rule.message?.test(message) ?? true),
  )?.reason;
}
