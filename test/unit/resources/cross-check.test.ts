import { describe, expect, it } from "vitest";
import { byKind, crossFaults } from "../../../tools/api/cross-check.ts";
import { formatFault } from "../../../tools/api/fault.ts";
import { parseResources } from "../../../tools/api/load.ts";

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search, search-batch]
  gateway:
    name: search-gateway
    namespace: search
    hosts: ["*.search.example"]
`;
const TASK = `apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata:
  name: ranking
  namespace: search
spec:
  taskid: "666"
  tenant: search
  service: { name: service-666 }
`;
/** What \`modelgate validate\` prints for a file, the number of faults left out. */
function faults(text: string): string[] {
  const { resources, faults } = parseResources([{ file: "a.yaml", text }]);
  return (faults.length > 0 ? faults : crossFaults(byKind(resources))).map(formatFault);
}

const task = (from: string, to: string) => TASK.replace(from, to);
const tenant = (from: string, to: string) => TENANT.replace(from, to);
const docs = (...texts: string[]) => texts.join("---\n");
const withTenant = (text: string) => docs(TENANT, text);
const another = (name: string, gateway: string, hosts: string) =>
  TENANT.replace("name: search }", `name: ${name} }`)
    .replace("name: search-gateway", `name: ${gateway}`)
    .replace('"*.search.example"', hosts);
const spec = (line: string) => withTenant(`${TASK}  ${line}\n`);
const second = (name: string, taskid: string) =>
  TASK.replace("name: ranking", `name: ${name}`).replace('"666"', `"${taskid}"`);

/** What is wrong, in which file, and what is said. */
const CASES: [name: string, text: string, message: string][] = [
  [
    "unknown tenant",
    TASK,
    'a.yaml:8: ModelTask/ranking: spec.tenant: there is no Tenant "search" (define it, or add its file)',
  ],
  [
    "misspelt tenant",
    withTenant(task("tenant: search", "tenant: serch")),
    'a.yaml:18: ModelTask/ranking: spec.tenant: there is no Tenant "serch" (did you mean search?)',
  ],
  [
    "a public path of no task of the tenant",
    docs(TENANT.concat('  publicPaths: [{path: /v2, task: "667"}]\n'), TASK),
    'a.yaml:10: Tenant/search: spec.publicPaths[0].task: "667" is no task id of a ModelTask of this tenant (it has 666)',
  ],
  [
    "a model's name that leads to two tasks",
    docs(
      TENANT,
      `${TASK}  protocol: openai\n`,
      `${second("b", "667")}  protocol: openai\n  openai: {models: [llm, "666"]}\n`,
    ),
    'a.yaml:32: ModelTask/b: spec.openai.models[1]: "666" is the name of a model of task 666 already',
  ],
  [
    "a model's name that is another's with a version",
    docs(
      TENANT,
      `${TASK}  protocol: openai\n  versions: [{name: v1}]\n`,
      `${second("b", "667")}  protocol: openai\n  openai: {models: ["666:v1"]}\n`,
    ),
    'a.yaml:33: ModelTask/b: spec.openai.models[0]: "666:v1" is the name of a model of task 666 already',
  ],
  [
    "a language model's settings without its protocol",
    spec("openai: {models: [llm]}"),
    "a.yaml:20: ModelTask/ranking: spec.openai: is for protocol: openai",
  ],
  [
    "a model server's own paths where it has none",
    spec("protocol: openai\n  openai: {server: openInference, basePath: /openai/v1}"),
    "a.yaml:21: ModelTask/ranking: spec.openai.server: openInference has no basePath and apiKeySecret: they are for server: openai",
  ],
  [
    "tensors of a model server that has none",
    spec("protocol: openai\n  openai: {tensors: {prompt: x}}"),
    "a.yaml:21: ModelTask/ranking: spec.openai.server: openai has no tensors and chat: they are for server: openInference",
  ],
  [
    "a parameter that is named twice",
    spec(
      "protocol: openai\n  openai: {server: openInference, tensors: {parameters: [{name: a, tensor: b}, {name: a, tensor: c}]}}",
    ),
    "a.yaml:21: ModelTask/ranking: spec.openai.tensors.parameters: must not hold a name twice",
  ],
  [
    "a converter where bodies pass",
    spec(`protocol: openai\n  conversion: {converter: "oci://r.example/a@sha256:${"a".repeat(64)}"}`),
    "a.yaml:21: ModelTask/ranking: spec.conversion.converter: has no use where bodies pass to a model server that speaks openai",
  ],
  [
    "a protocol that is not that of the conversion",
    spec("protocol: tensorflowServing"),
    "a.yaml:20: ModelTask/ranking: spec.protocol: must be that of conversion.protocol, or openai",
  ],
  [
    "a public path that the gateway can't answer",
    TENANT.concat("  publicPaths: [{path: /grpc.health.v1.Health/Check, gateway: true}]\n"),
    "a.yaml:10: Tenant/search: spec.publicPaths[0].gateway: is for no gRPC method: name the task that answers it in task",
  ],
  [
    "a budget for nobody",
    TENANT.concat(
      `  credentials: [{id: alice, sha256: ${"a".repeat(64)}}]\n`,
      "  budgets: [{name: monthly, per: month, tokens: 100, for: {credentials: [alcie]}}]\n",
    ),
    'a.yaml:11: Tenant/search: spec.budgets[0].for.credentials[0]: "alcie" is no credential of this tenant (did you mean alice?)',
  ],
  [
    "an exempt credential that is none",
    docs(
      TENANT.concat(`  credentials: [{id: alice, sha256: ${"a".repeat(64)}}]\n`),
      `${TASK}  limits: {requestsPerSecond: 5, exempt: {credentials: [alcie]}}\n`,
    ),
    'a.yaml:21: ModelTask/ranking: spec.limits.exempt.credentials[0]: "alcie" is no credential of Tenant search (did you mean alice?)',
  ],
  [
    "a budget for no task of the tenant",
    docs(TENANT.concat("  budgets: [{name: monthly, per: month, tokens: 100, for: {tasks: [abc]}}]\n"), TASK),
    'a.yaml:10: Tenant/search: spec.budgets[0].for.tasks[0]: "abc" is no task of this tenant (it has 666)',
  ],
  [
    "a budget that lowers calls to no class",
    TENANT.concat("  budgets: [{name: monthly, per: month, tokens: 100, whenSpent: lower}]\n"),
    "a.yaml:10: Tenant/search: spec.budgets[0].whenSpent: lower needs spec.priorities, which says what classes there are: add it, or take refuse",
  ],
  [
    "a budget that lowers calls to an unknown class",
    TENANT.concat(
      "  priorities: {classes: [{name: online}, {name: batch}]}\n",
      "  budgets: [{name: monthly, per: month, tokens: 100, whenSpent: lower, lowerTo: bulk}]\n",
    ),
    'a.yaml:11: Tenant/search: spec.budgets[0].lowerTo: "bulk" is no class of spec.priorities (it has online, batch)',
  ],
  [
    "a budget of tokens and money",
    TENANT.concat("  budgets: [{name: monthly, per: month, tokens: 100, money: 5 EUR}]\n"),
    "a.yaml:10: Tenant/search: spec.budgets[0]: needs tokens or money (one of them)",
  ],
  [
    "an amount without a currency",
    TENANT.concat("  budgets: [{name: monthly, per: month, money: '250'}]\n"),
    "a.yaml:10: Tenant/search: spec.budgets[0].money: must be an amount and its currency, such as 250 EUR or 0.50 USD",
  ],
  [
    "a time zone that is none",
    TENANT.concat("  budgets: [{name: monthly, per: month, tokens: 100, timeZone: Europe/Bonn}]\n"),
    "a.yaml:10: Tenant/search: spec.budgets[0].timeZone: must be a time zone of the IANA database, such as Europe/Berlin or UTC",
  ],
  [
    "issuer unknown",
    TENANT.concat(
      "  jwtIssuers: [{issuer: https://a.example, audiences: [m], jwksUri: https://a.example/jwks, cluster: a}]\n",
      "  credentials:\n    - {id: t, type: token, issuer: https://b.example}\n",
    ),
    'a.yaml:12: Tenant/search: spec.credentials[0].issuer: "https://b.example" is no issuer of the tenant (did you mean https://a.example?)',
  ],
  [
    "a key used twice",
    TENANT.concat(
      `  credentials:\n    - {id: a, sha256: ${"a".repeat(64)}}\n    - {id: b, sha256: ${"a".repeat(64)}}\n`,
    ),
    "a.yaml:12: Tenant/search: spec.credentials[1].sha256: is that of credential a too: give each its own",
  ],
  [
    "a private key among the public ones",
    TENANT.concat(
      `  jwtIssuers:\n    - issuer: i\n      audiences: [m]\n      jwks: '{"keys":[{"kty":"EC","d":"x"}]}'\n`,
    ),
    "a.yaml:13: Tenant/search: spec.jwtIssuers[0].jwks: keys[0] is a private key: leave the public one here",
  ],
  [
    "a key set that is none",
    TENANT.concat(
      "  jwtIssuers:\n    - issuer: i\n      audiences: [m]\n      jwks: https://i.example/keys\n",
    ),
    "a.yaml:13: Tenant/search: spec.jwtIssuers[0].jwks: is not JSON: put the key set itself here, or its address into jwksUri",
  ],
  [
    "task id used twice",
    docs(TENANT, TASK, second("spelling", "666")),
    'a.yaml:27: ModelTask/spelling: spec.taskid: "666" is the task id of another task: ModelTask/ranking at a.yaml:17',
  ],
  [
    "task defined twice",
    docs(TENANT, TASK, second("ranking", "667")),
    'a.yaml:24: ModelTask/ranking: metadata.name: "search/ranking" is defined twice: ModelTask/ranking at a.yaml:14',
  ],
  [
    "namespace of nobody",
    withTenant(task("namespace: search", "namespace: ads")),
    'a.yaml:15: ModelTask/ranking: metadata.namespace: "ads" is no namespace of Tenant search (it has search, search-batch; add it to spec.namespaces or move the task)',
  ],
  [
    "no namespace",
    withTenant(task("\n  namespace: search", "")),
    'a.yaml:13: ModelTask/ranking: metadata.namespace: "default" is no namespace of Tenant search (it has search, search-batch; add it to spec.namespaces or move the task)',
  ],
  [
    "tenant defined twice",
    docs(TENANT, another("search", "other", "b.example")),
    'a.yaml:13: Tenant/search: metadata.name: "search" is defined twice: Tenant/search at a.yaml:3',
  ],
  [
    "gateway of two tenants",
    docs(TENANT, another("ads", "search-gateway", "b.example")),
    'a.yaml:17: Tenant/ads: spec.gateway.name: "search/search-gateway" is the gateway of another tenant: Tenant/search at a.yaml:7',
  ],
  [
    "host of two tenants",
    docs(TENANT, another("ads", "ads", '"*.search.example"')),
    'a.yaml:19: Tenant/ads: spec.gateway.hosts[0]: "*.search.example" is a host of Tenant/search at a.yaml:9: a host has one tenant',
  ],
  [
    "host under a wildcard",
    docs(TENANT, another("ads", "ads", "www.search.example")),
    'a.yaml:19: Tenant/ads: spec.gateway.hosts[0]: "www.search.example" overlaps with "*.search.example" of Tenant/search at a.yaml:9: a host has one tenant',
  ],
  [
    "wildcard under a wildcard",
    docs(TENANT, another("ads", "ads", '"*.a.search.example"')),
    'a.yaml:19: Tenant/ads: spec.gateway.hosts[0]: "*.a.search.example" overlaps with "*.search.example" of Tenant/search at a.yaml:9: a host has one tenant',
  ],
  [
    "weights",
    spec("versions: [{ name: v1, weight: 90 }, { name: v2, weight: 20 }]"),
    "a.yaml:20: ModelTask/ranking: spec.versions: weights must sum to 100, and sum to 110",
  ],
  [
    "version twice",
    spec("versions: [{ name: v1 }, { name: v1 }]"),
    'a.yaml:20: ModelTask/ranking: spec.versions[1].name: "v1" is named twice',
  ],
  [
    "match to no version",
    spec("matches: [{ header: x-a, exact: b, version: v2 }]"),
    'a.yaml:20: ModelTask/ranking: spec.matches[0].version: "v2" is no version of this task (it has none)',
  ],
  [
    "match on taskid",
    spec(
      "{versions: [{ name: v1 }], matches: [{ header: taskid, exact: b, version: v1 }]}"
        .slice(1, -1)
        .replace("], m", "]\n  m"),
    ),
    "a.yaml:21: ModelTask/ranking: spec.matches[0].header: taskid chooses the task already; match another header",
  ],
  [
    "exact and prefix",
    spec("versions: [{ name: v1 }]\n  matches: [{ header: x-a, exact: b, prefix: c, version: v1 }]"),
    "a.yaml:21: ModelTask/ranking: spec.matches[0].prefix: stands beside exact: keep one of them",
  ],
  [
    "mirror to no version",
    spec("versions: [{ name: v1 }]\n  mirror: { version: v3 }"),
    'a.yaml:21: ModelTask/ranking: spec.mirror.version: "v3" is no version of this task (it has v1)',
  ],
  [
    "number for a string",
    task('"666"', "666"),
    'a.yaml:7: ModelTask/ranking: spec.taskid: must be a string, is 666 (quote it: "666")',
  ],
  [
    "misspelt field",
    `${TASK}  timout: 1s\n`,
    "a.yaml:10: ModelTask/ranking: spec.timout: is no field (did you mean timeout?)",
  ],
  ["missing field", task("  tenant: search\n", ""), "a.yaml:6: ModelTask/ranking: spec.tenant: is required"],
  [
    "unknown kind",
    task("ModelTask", "Model"),
    "a.yaml:2: Model/ranking: kind: is not known (use Tenant or ModelTask of modelgate.dev/v1alpha1)",
  ],
  [
    "old API version",
    task("v1alpha1", "v1"),
    'a.yaml:1: ModelTask/ranking: apiVersion: must be modelgate.dev/v1alpha1, is "modelgate.dev/v1"',
  ],
  [
    "two limits",
    spec("limits: { requestsPerSecond: 1, perReplica: 2 }"),
    "a.yaml:20: ModelTask/ranking: spec.limits: needs requestsPerSecond or perReplica (one of them)",
  ],
  [
    "a limit of nothing",
    spec("limits: { requestsPerSecond: 0 }"),
    "a.yaml:20: ModelTask/ranking: spec.limits.requestsPerSecond: must be at least 0.001",
  ],
  [
    "timeout without a unit",
    spec('timeout: "15"'),
    "a.yaml:20: ModelTask/ranking: spec.timeout: must be a duration such as 500ms, 10s or 1h30m",
  ],
  [
    "port too big",
    task("service-666 }", "service-666, port: 70000 }"),
    "a.yaml:9: ModelTask/ranking: spec.service.port: must be at most 65535",
  ],
  [
    "bad policy",
    spec("loadBalancing: { policy: FASTEST }"),
    'a.yaml:20: ModelTask/ranking: spec.loadBalancing.policy: must be one of LEAST_REQUEST, ROUND_ROBIN, RANDOM; is "FASTEST"',
  ],
  [
    "no hosts",
    tenant('["*.search.example"]', "[]"),
    "a.yaml:9: Tenant/search: spec.gateway.hosts: must have at least 1 entry",
  ],
  [
    "bad host",
    tenant("*.search.example", "http://a"),
    "a.yaml:9: Tenant/search: spec.gateway.hosts[0]: must be a host such as search.models.example or *.models.example",
  ],
  [
    "image by tag",
    tenant("    hosts", "    filter: { image: oci://r.example/a:v1 }\n    hosts"),
    "a.yaml:9: Tenant/search: spec.gateway.filter.image: must be an image by digest such as oci://registry.example/modelgate/gateway@sha256:...",
  ],
  [
    "bad key digest",
    `${TENANT}  credentials: [{ id: a, sha256: abc }]\n`,
    "a.yaml:10: Tenant/search: spec.credentials[0].sha256: must be 64 lower-case hexadecimal digits (printf %s KEY | sha256sum prints them)",
  ],
  [
    "not YAML",
    `${TASK}  x: [\n`,
    "a.yaml:11: document: is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  [
    "a priority that the tenant lacks",
    TENANT.concat(
      "  priorities: { classes: [{ name: online, reservedPercent: 30 }, { name: offline }] }\n",
      `  credentials:\n    - { id: a, sha256: ${"a".repeat(64)}, priority: offlin }\n`,
    ),
    'a.yaml:12: Tenant/search: spec.credentials[0].priority: "offlin" is no priority of the tenant (did you mean offline?)',
  ],
  [
    "more reserved than there is",
    `${TENANT}  priorities: { classes: [{ name: a, reservedPercent: 70 }, { name: b, reservedPercent: 40 }] }\n`,
    "a.yaml:10: Tenant/search: spec.priorities.classes: reservedPercent must sum to at most 100, and sums to 110",
  ],
  [
    "credentials without proof",
    `${TENANT}  credentials: [{ id: a }]\n`,
    "a.yaml:10: Tenant/search: spec.credentials[0]: of type apiKey needs sha256 or secretRef (one of them)",
  ],
  [
    "tenant's name longer than a label",
    tenant("name: search }", `name: ${"s".repeat(64)} }`),
    `a.yaml:3: Tenant/${"s".repeat(64)}: metadata.name: must be at most 63 characters long`,
  ],
  [
    "selector of every pod",
    TENANT.concat("    selector: {}\n"),
    "a.yaml:10: Tenant/search: spec.gateway.selector: must have a label: without one it selects every pod",
  ],
  [
    "gateway that selects another's pods",
    docs(
      TENANT,
      another("ads", "search-gateway", "ads.example").replace("namespace: search", "namespace: ads"),
    ),
    "a.yaml:17: Tenant/ads: spec.gateway.name: istio=search-gateway selects the pods of Tenant/search at a.yaml:7 as well, which Istio does across namespaces: give it a name or a selector of its own",
  ],
  [
    "quantity that Kubernetes does not know",
    TENANT.concat("    deployment: { requests: { memory: 512K } }\n"),
    "a.yaml:10: Tenant/search: spec.gateway.deployment.requests.memory: must be a quantity such as 500m, 1.5 or 16Gi",
  ],
  ["no time at all", spec("timeout: 0s"), "a.yaml:20: ModelTask/ranking: spec.timeout: must be at least 1ms"],
  [
    "image that no registry can have",
    TENANT.concat(`    filter: { image: "oci://r.example/Gateway@sha256:${"a".repeat(64)}" }\n`),
    "a.yaml:10: Tenant/search: spec.gateway.filter.image: must be an image by digest such as oci://registry.example/modelgate/gateway@sha256:...",
  ],
  [
    "aliases without end",
    `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
`,
    "a.yaml:1: document: can't be read: Excessive alias count indicates a resource exhaustion attack",
  ],
];

describe("bad input, as printed", () => {
  it.each(CASES)("%s", (_name, text, message) => {
    expect(faults(text)).toEqual([message]);
  });

  it("the table for people has the same messages", async () => {
    const rows = CASES.map(([name, , message]) => `| ${name} | \`${message.replaceAll("|", "\\|")}\` |`);
    const table = [
      "# Messages of modelgate validate",
      "",
      "Each message names file and line, resource and field, and says what is wrong and what to do. All faults of all files are",
      "shown at once.",
      "",
      "| mistake | message |",
      "| --- | --- |",
      ...rows,
      "",
    ].join("\n");
    await expect(table).toMatchFileSnapshot("../../../docs/reference/validate-messages.md");
  });

  it("finds nothing in good input", () => {
    expect(
      faults(docs(TENANT, TASK, second("spelling", "667"), another("ads", "ads", "ads.example"))),
    ).toEqual([]);
  });

  it("reports all faults at once", () => {
    expect(
      faults(docs(TENANT, second("a", "1"), second("b", "1").replace("tenant: search", "tenant: x"))),
    ).toHaveLength(2);
  });
});
