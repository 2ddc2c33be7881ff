/**
 * Tenants and ModelTasks for property tests, most of which the schema takes: each part is made of what is
 * valid.
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { LOG_FIELDS, LOGGED_HEADERS } from "../../tools/lib/envoy/log-fields.ts";
import { arbitraryConversion } from "./conversion-arbitraries.ts";
import { arbitraryIssuer } from "./issuer-arbitraries.ts";

type Json = Record<string, unknown>;

/** A Tenant and its ModelTasks, as a file has them. */
export interface Written {
  tenant: Json & { spec: Json };
  tasks: (Json & { spec: Json })[];
}

const apiVersion = "modelgate.dev/v1alpha1";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
export const optional = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });
/** Text of any characters, as claims and audiences may be. */
export const text = fc.oneof(
  fc.constantFrom("a", "a b", 'a"b', "a\\b", "é", "\u0000", "𝒳", "x".repeat(128), "a:b", "-1"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
);
const mode = fc.constantFrom("enforce", "dryRun", "off");
const rate = fc.oneof(
  fc.constantFrom(0.001, 0.0015, 0.5, 1, 1.5, 1e6 + 1 / 3, 999_999_999.999, 1e9),
  fc.double({ min: 0.001, max: 1e9, noNaN: true }),
);

const taskid = fc.constantFrom("t0", "t1", "a", "A.b_c~d-e", "x".repeat(128), "-", "0");
const permission = fc.record(
  {
    task: fc.oneof(taskid, fc.constantFrom("*", "search-*", `${"y".repeat(63)}*`)),
    versions: fc.array(fc.constantFrom("v1", "V2", "1.0_a-b", "x".repeat(63)), { maxLength: 3 }),
  },
  { requiredKeys: ["task"] },
);
const permissions = fc.array(permission, { maxLength: 3 });
const instant = (year: string) =>
  fc
    .constantFrom("01-31T00:00:00Z", "12-31T23:59:59.999Z", "02-01T00:00:00.5+14:00")
    .map((rest) => year + rest);

const credential = fc.record(
  {
    kind: fc.constantFrom("key", "keySecret", "hmac", "token", "tokenOfAny", "der", "uri", "subject", "dns"),
    tasks: permissions,
    methods: fc.array(fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), {
      maxLength: 7,
    }),
    hosts: fc.array(fc.constantFrom("*", "*.search.example", "a.search.example", "a", "0-0.x"), {
      maxLength: 3,
    }),
    notBefore: instant("2020-"),
    notAfter: instant("2040-"),
    enabled: fc.boolean(),
    priority: fc.nat(7),
    reason: text,
  },
  { requiredKeys: ["kind"] },
);

/** What proves a credential of a kind, another for each index; without an issuer it is an API key. */
function proof(kind: string, index: number, issuers: string[]): Json {
  const secretRef = { name: "secrets", key: `k${index}` };
  const issuer = issuers[index % Math.max(1, issuers.length)];
  switch (kind) {
    case "keySecret":
      return { secretRef };
    case "hmac":
      return { type: "hmac", secretRef };
    case "token":
      if (issuer !== undefined) return { type: "token", issuer, subject: `s${index}` };
      break;
    case "tokenOfAny":
      if (issuer !== undefined && index < issuers.length) return { type: "token", issuer };
      break;
    case "der":
      return { type: "certificate", sha256: sha256(`der ${index}`) };
    case "uri":
      return { type: "certificate", subject: `spiffe://cluster.local/ns/${index}` };
    case "subject":
      return { type: "certificate", subject: `CN=client ${index},O=a` };
    case "dns":
      return { type: "certificate", subject: `c${index}.example` };
  }
  return { sha256: sha256(`key ${index}`) };
}

const header = fc.constantFrom("x-key", "x-b", "authorization", "x-api-key", "api_key", "x!#$%&'*+.^_`|~-");
const priorities = fc
  .record({
    shares: fc.array(fc.constantFrom(0, 0.1, 12.5, 100 / 9, 33.3, 1e-7), { minLength: 1, maxLength: 3 }),
    hasDefault: fc.boolean(),
    header: fc.option(fc.constantFrom("x-priority", "priority"), { nil: undefined }),
  })
  .map(({ shares, hasDefault, header }) => ({
    classes: shares.map((reservedPercent, index) => ({ name: `c${index}`, reservedPercent })),
    ...(hasDefault && { default: `c${shares.length - 1}` }),
    ...(header !== undefined && { header }),
  }));

const logFields = fc
  .uniqueArray(fc.constantFrom(...LOG_FIELDS), { minLength: 1, maxLength: 12 })
  .chain((names) =>
    fc.tuple(...names.map((field) => fc.record({ field: fc.constant(field), as: fc.boolean() }))),
  )
  .map((fields) => fields.map(({ field, as }, index) => ({ field, ...(as && { as: `n ${index}"\\` }) })));
const COLLECTED = ["start_time", "duration", "response_code", "grpc_status", "hostname", "request_id"];
const ofCollector = fc
  .uniqueArray(fc.constantFrom(...LOG_FIELDS.filter((name) => !COLLECTED.includes(name))), { maxLength: 6 })
  .map((names) => [...COLLECTED, ...names].map((field) => ({ field })));
const logged = {
  maxValueBytes: fc.constantFrom(64, 512, 8192),
  redact: optional({
    queryParameters: fc.array(fc.oneof(text, fc.constantFrom("token", "a%20b")), { maxLength: 3 }),
    headers: fc.uniqueArray(fc.constantFrom(...LOGGED_HEADERS), { maxLength: 3 }),
    paths: fc.array(fc.constantFrom("/", "/users/*", "/users/**", "/*/a/*", "//", "/é"), { maxLength: 3 }),
  }),
  sample: fc.record(
    {
      ratio: fc.oneof(fc.constantFrom(0, 0.001, 0.5, 1, 1e-7), fc.double({ min: 0, max: 1, noNaN: true })),
      slowerThan: fc.constantFrom("0s", "1ms", "0.5ms", "1h", "1000h"),
    },
    { requiredKeys: ["ratio"] },
  ),
};
const accessLog = fc.oneof(
  optional({ ...logged, fields: logFields, path: fc.constantFrom("/dev/null", "/a b") }),
  optional({
    ...logged,
    fields: ofCollector,
    collector: optional({
      tokenSecret: fc.constant("collector-token"),
      format: fc.constantFrom("json", "protobuf"),
      timeout: fc.constantFrom("10ms", "10.5ms", "5s", "0.01s", "1h"),
      maxQueueBytes: fc.constantFrom(32_768, 1_073_741_824),
      port: fc.constantFrom(1, 8093, 65_535),
    }),
  }),
);

const tenantSpec = optional({
  apiKey: optional({
    headers: fc.uniqueArray(header, { minLength: 1, maxLength: 4 }),
    queryParameter: fc.constantFrom("key", "a b", "%", "é", "x".repeat(128)),
  }),
  signature: optional({
    maxSkewSeconds: fc.constantFrom(1, 300, 86_400),
    components: fc.uniqueArray(fc.constantFrom("@authority", "content-type", "x-a"), { maxLength: 3 }),
  }),
  tenantHeader: fc.constantFrom("x-tenant", "x-modelgate-tenant"),
  revoked: fc.uniqueArray(fc.nat(5), { maxLength: 3 }).map((list) => list.map((each) => sha256(`${each}`))),
  tasks: permissions,
  publicPaths: fc.array(
    fc.oneof(
      fc.record(
        { path: fc.constantFrom("/", "/healthz", "/v2/models/*/ready", "/*"), gateway: fc.boolean() },
        { requiredKeys: ["path"] },
      ),
      fc.record(
        { path: fc.constantFrom("/v2", "/grpc.health.v1.Health/Check"), task: fc.constant("t0") },
        { requiredKeys: ["path"] },
      ),
    ),
    { maxLength: 3 },
  ),
  compression: optional({
    requests: optional({
      maxBytes: fc.constantFrom(1, 1_073_741_824),
      maxRatio: fc.constantFrom(1, 1032),
    }),
    responses: optional({ minBytes: fc.constantFrom(30, 1_048_576) }),
  }),
  limits: fc.record({ requestsPerSecond: rate, burst: rate }, { requiredKeys: ["requestsPerSecond"] }),
  mode,
});

const tenant = fc
  .record({
    spec: tenantSpec,
    issuers: fc.array(arbitraryIssuer, { maxLength: 2 }),
    credentials: fc.array(credential, { maxLength: 4 }),
    priorities: fc.option(priorities, { nil: undefined }),
    accessLog: fc.option(accessLog, { nil: undefined }),
  })
  .map(({ spec, issuers, credentials, priorities, accessLog }) => {
    const jwtIssuers = issuers.map((each, index) => ({ ...each, issuer: `https://i${index}.example` }));
    const names = jwtIssuers.map(({ issuer }) => issuer);
    const own = credentials.map(({ kind, priority, ...rest }, index) => ({
      ...{ id: `c${index}`, ...proof(kind, index, names), ...rest },
      ...(priority !== undefined && priorities && { priority: `c${priority % priorities.classes.length}` }),
    }));
    const gateway = { name: "gateway", namespace: "search", hosts: ["*.search.example"] };
    return {
      ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
      spec: {
        ...{ namespaces: ["search"], gateway: { ...gateway, ...(accessLog && { tuning: { accessLog } }) } },
        ...{ ...spec, jwtIssuers, credentials: own },
        ...(priorities && { priorities }),
      },
    };
  });

const limits = fc
  .record(
    {
      perReplica: fc.boolean(),
      rate,
      burst: rate,
      windows: fc.uniqueArray(fc.record({ per: fc.constantFrom("minute", "hour"), requests: rate }), {
        ...{ maxLength: 2, selector: ({ per }) => per },
      }),
      maxInFlightPerReplica: fc.constantFrom(1, 1_000_000),
    },
    { requiredKeys: ["perReplica", "rate"] },
  )
  .map(({ perReplica, rate, ...rest }) => ({
    [perReplica ? "perReplica" : "requestsPerSecond"]: rate,
    ...rest,
  }));

const stream = optional({
  idleTimeout: fc.constantFrom("1ms", "1.5ms", "5m", "1000h"),
  timeout: fc.constantFrom("0s", "0.2ms", "1ms", "10.5s", "1000h"),
});
const forwardHeaders = fc.subarray(["cookie", "taskid", "x-envoy-original-path"]);
const task = optional({ limits, mode, conversion: arbitraryConversion, stream, forwardHeaders });

const arbitraryTasks = fc.array(task, { maxLength: 3 }).map((specs) =>
  specs.map((spec, index) => ({
    ...{ apiVersion, kind: "ModelTask", metadata: { name: `t${index}`, namespace: "search" } },
    spec: { taskid: `t${index}`, tenant: "search", service: { name: "model" }, ...spec },
  })),
);

/** A Tenant with up to three tasks, and public paths of the first of them. */
export const arbitraryResources: fc.Arbitrary<Written> = fc
  .record({ tenant, tasks: arbitraryTasks })
  .map(({ tenant, tasks }) => {
    const paths = tenant.spec.publicPaths?.filter((each) => tasks.length > 0 || !("task" in each));
    return { tasks, tenant: { ...tenant, spec: { ...tenant.spec, ...(paths && { publicPaths: paths }) } } };
  });
