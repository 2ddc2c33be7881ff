import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formatFault } from "../../../tools/api/fault.ts";
import { loadResources, parseResources } from "../../../tools/api/load.ts";

const EXAMPLES = fileURLToPath(new URL("../../../manifests/examples/search", import.meta.url));

const task = (spec: string) => `apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: t}
spec:
  taskid: "666"
  tenant: search
  service: {name: service-666}
${spec}`;

const tenant = (spec: string) => `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: search}
spec:
  gateway: {name: g, namespace: ns, hosts: [a.example]}
  namespaces: [models]
${spec}`;

const collected = (fields: string) => `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: search}
spec:
  namespaces: [models]
  gateway:
    name: g
    namespace: ns
    hosts: [a.example]
    tuning:
      accessLog:
        collector: {}
        fields: [${fields}]`;

const COUNTED = ["start_time", "duration", "response_code", "grpc_status", "hostname", "request_id"]
  .map((field) => `{field: ${field}}`)
  .join(", ");

function faultsOf(text: string): string[] {
  return parseResources([{ file: "f.yaml", text }]).faults.map(formatFault);
}

test("the examples load, with defaults filled in", async () => {
  const loaded = await loadResources([EXAMPLES]);
  expect(loaded.map(({ resource }) => `${resource.kind}/${resource.metadata.name}`)).toEqual([
    "ModelTask/ranking",
    "ModelTask/embedding",
    "Tenant/search",
  ]);
  expect(loaded[1]?.resource.spec).toMatchObject({
    timeout: "15s",
    retries: { attempts: 2 },
  });
});

test("stdin, JSON and a List load", async () => {
  const list = { kind: "List", apiVersion: "v1", items: [JSON.parse(JSON.stringify(resourceObject()))] };
  const [loaded] = await loadResources(["-"], { stdin: Readable.from([JSON.stringify(list)]) });
  expect(loaded?.resource.metadata.name).toBe("t");
});

test("a path that is missing is named", async () => {
  await expect(loadResources(["/no/such/file.yaml"])).rejects.toThrow("/no/such/file.yaml");
});

test("each fault of each document is reported", () => {
  const text = `${task("  timeout: soon\n  mode: on")}\n---\n${task("  retries: {attempts: -1}")}`;
  expect(faultsOf(text)).toEqual([
    "f.yaml:8: ModelTask/t: spec.timeout: must be a duration such as 500ms, 10s or 1h30m",
    'f.yaml:9: ModelTask/t: spec.mode: must be one of enforce, dryRun, off; is "on"',
    "f.yaml:18: ModelTask/t: spec.retries.attempts: must be at least 0",
  ]);
});

describe("faults", () => {
  test.each([
    [
      "a duration that Istio and Go can't hold",
      task("  timeout: 97580735562m"),
      "8: ModelTask/t: spec.timeout: must be at most a year (8760h)",
    ],
    [
      "a number as taskid",
      task("").replace('"666"', "666"),
      '5: ModelTask/t: spec.taskid: must be a string, is 666 (quote it: "666")',
    ],
    [
      "a field forgotten",
      task("").replace("  tenant: search\n", ""),
      "4: ModelTask/t: spec.tenant: is required",
    ],
    [
      "a field misspelt",
      task("  timout: 5s"),
      "8: ModelTask/t: spec.timout: is no field (did you mean timeout?)",
    ],
    [
      "a field unknown",
      task("  service2: {}\n  limits: {requestsPerSecond: 1, colour: red}"),
      "9: ModelTask/t: spec.limits.colour: is no field (fields here: requestsPerSecond, perReplica, burst, windows, cost, exempt, maxInFlightPerReplica)",
    ],
    [
      "both limits",
      task("  limits: {requestsPerSecond: 1, perReplica: 1}"),
      "8: ModelTask/t: spec.limits: needs requestsPerSecond or perReplica (one of them)",
    ],
    [
      "a quoted rate",
      task('  limits: {requestsPerSecond: "5"}'),
      '8: ModelTask/t: spec.limits.requestsPerSecond: must be a number, is "5" (take the quotes away)',
    ],
    [
      "weights",
      task("  versions:\n  - {name: v1, weight: 50}\n  - {name: v2, weight: 40}"),
      "8: ModelTask/t: spec.versions: weights must sum to 100, and sum to 90",
    ],
    [
      "a short digest",
      tenant("  revoked:\n  - abc"),
      "8: Tenant/search: spec.revoked[0]: must be 64 lower-case hexadecimal digits (printf %s KEY | sha256sum prints them)",
    ],
    [
      "a key without digest",
      tenant("  credentials:\n  - id: a"),
      "8: Tenant/search: spec.credentials[0]: of type apiKey needs sha256 or secretRef (one of them)",
    ],
    [
      "a date",
      tenant("  credentials:\n  - {id: a, type: hmac, secretRef: {name: s, key: k}, notAfter: tomorrow}"),
      "8: Tenant/search: spec.credentials[0].notAfter: must be a time such as 2027-01-31T00:00:00Z (RFC 3339)",
    ],
    [
      "signatures of another protocol",
      task("  conversion:\n    signatures: [{inputs: [{name: x, dtype: DT_FLOAT}]}]"),
      "9: ModelTask/t: spec.conversion.signatures: are for protocol: tensorflowServing",
    ],
    [
      "a policy that YAML reads as nothing",
      task("  conversion: {nonFinite: null}"),
      "8: ModelTask/t: spec.conversion.nonFinite: must be one of null, error, string, token; is empty",
    ],
    [
      "two open dimensions",
      task("  conversion: {raw: {name: x, datatype: FP32, shape: [-1, -1]}}"),
      "8: ModelTask/t: spec.conversion.raw.shape: may be -1 in one dimension only",
    ],
    [
      "a policy beside a converter, which has its own",
      task(`  conversion: {converter: "oci://r.example/c@sha256:${"0".repeat(64)}", nonFinite: error}`),
      "8: ModelTask/t: spec.conversion.converter: converts by itself: raw, signatures, nonFinite and binaryHeaderBytes have no use beside it",
    ],
    [
      "binary data of another protocol",
      task("  conversion: {protocol: tensorflowServing, binaryHeaderBytes: 8192}"),
      "8: ModelTask/t: spec.conversion.binaryHeaderBytes: is for protocol: openInference",
    ],
    [
      "limits of bodies that pass",
      task("  conversion: {protocol: none, maxRequestBytes: 1000}"),
      "8: ModelTask/t: spec.conversion.protocol: none passes bodies as they are: nonFinite, maxRequestBytes and maxResponseBytes have no use beside it",
    ],
    [
      "a log without what the collector counts by",
      collected("{field: start_time}, {field: duration}, {field: path}"),
      "13: Tenant/search: spec.gateway.tuning.accessLog.fields: beside a collector must hold start_time, duration, response_code, grpc_status, hostname, request_id: it counts by them, and lacks response_code, grpc_status, hostname, request_id",
    ],
    [
      "a log with names that the collector does not know",
      collected(`{field: path, as: url}, ${COUNTED}`),
      "13: Tenant/search: spec.gateway.tuning.accessLog.fields: beside a collector can't have other names, for it knows them by their usual ones, unlike path as url",
    ],
    [
      "another kind",
      "kind: Pod\nmetadata: {name: p}",
      "1: Pod/p: kind: is not known (use Tenant or ModelTask of modelgate.dev/v1alpha1)",
    ],
    [
      "another version",
      task("").replace("v1alpha1", "v9"),
      '1: ModelTask/t: apiVersion: must be modelgate.dev/v1alpha1, is "modelgate.dev/v9"',
    ],
    ["no object", "- a", "1: document/?: must be an object with apiVersion, kind, metadata and spec"],
    [
      "no YAML",
      "a: [1",
      "1: document: is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  ])("%s", (_, text, expected) => {
    expect(faultsOf(text)).toContain(`f.yaml:${expected}`);
  });
});

function resourceObject() {
  return {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: "t" },
    spec: { taskid: "1", tenant: "search", service: { name: "s" } },
    status: { anything: 1 },
  };
}
