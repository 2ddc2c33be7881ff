import { describe, expect, it } from "vitest";
import { byKind, crossFaults, type Resources } from "../../tools/api/cross-check.ts";
import { formatFault, formatPath } from "../../tools/api/fault.ts";
import { parseResources } from "../../tools/api/load.ts";
import { Filter } from "../../tools/cluster/oracle/filter.ts";
import { filterFaults } from "../../tools/cluster/oracle/filter-faults.ts";
import { parseRefusals } from "../../tools/cluster/oracle/refusals.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const EC = {
  kty: "EC",
  crv: "P-256",
  x: Buffer.alloc(32, 1).toString("base64url"),
  y: Buffer.alloc(32, 2).toString("base64url"),
};
const RSA = { kty: "RSA", e: "AQAB", n: Buffer.alloc(256, 255).toString("base64url") };

const tenant = (spec: object = {}) => ({
  apiVersion,
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["search"],
    gateway: { name: "gateway", namespace: "search", hosts: ["*.search.example"] },
    ...spec,
  },
});
const task = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: "ModelTask",
  metadata: { name, namespace: "search" },
  spec: { taskid: name, tenant: "search", service: { name: "model" }, ...spec },
});

/** The resources, and what schema and cross-checks have against them. */
function checked(...objects: object[]): { resources: Resources; faults: string[] } {
  const parsed = parseResources([{ file: "a.json", text: JSON.stringify({ kind: "List", items: objects }) }]);
  const resources = byKind(parsed.resources);
  const faults = parsed.faults.length > 0 ? parsed.faults : crossFaults(resources);
  return { resources, faults: faults.map(formatFault) };
}

/** A token's issuer with a set of keys. */
const issuer = (...keys: object[]) => ({
  jwtIssuers: [{ issuer: "i", audiences: ["m"], jwks: JSON.stringify({ keys }) }],
});

describe("taken by schema and filter alike", () => {
  it.each<[string, object, object?]>([
    [
      "half a request a second",
      { limits: { requestsPerSecond: 0.5 } },
      { limits: { requestsPerSecond: 0.5 } },
    ],
    ["half a burst", { limits: { requestsPerSecond: 1, burst: 0.5 } }],
    [
      "half a request an hour",
      {},
      { limits: { requestsPerSecond: 1, windows: [{ per: "hour", requests: 0.5 }] } },
    ],
    ...[
      { ...RSA, use: "enc", alg: "RSA-OAEP" },
      { ...RSA, alg: "RSA-OAEP" },
      { kty: "OKP", crv: "Ed25519", x: EC.x },
      { ...EC, key_ops: ["sign"] },
      { ...EC, kid: 7 },
      { ...EC, crv: "P-521" },
      { ...EC, crv: "secp256k1" },
      { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA" },
    ].map((key): [string, object] => [
      `a good key beside ${JSON.stringify(key).slice(0, 40)}`,
      issuer(RSA, key),
    ]),
    ["the header of tokens as one of keys", { apiKey: { headers: ["authorization"] } }],
    [
      "shares that sum to 1 and a bit",
      {
        priorities: {
          classes: [
            { name: "a", reservedPercent: 33.3 },
            { name: "b", reservedPercent: 33.3 },
            { name: "c", reservedPercent: 33.4 },
          ],
        },
      },
    ],
  ])("%s", (_name, ofTenant, ofTask = {}) => {
    const { resources, faults } = checked(tenant(ofTenant), task("ranking", ofTask));
    expect(faults).toEqual([]);
    expect(filterFaults(resources).map(formatFault)).toEqual([]);
  });
});

describe("refused by validate", () => {
  it.each<[string, object, object?]>([
    ...["taskid", "host", "cookie"].map((name): [string, object] => [name, { apiKey: { headers: [name] } }]),
    ["one header twice", { apiKey: { headers: ["x-a", "x-a"] } }],
    ["tenantHeader: taskid", { tenantHeader: "taskid" }],
    ["tenantHeader: x-api-key", { tenantHeader: "x-api-key" }],
    ["no usable key", issuer({ ...EC, crv: "P-521" })],
    ["a key for signing alone", issuer({ ...RSA, key_ops: ["sign"] })],
    ["a key whose kid is a number", issuer({ ...RSA, kid: 7 })],
    ["an empty key set", issuer()],
    [
      "a key set at no host",
      { jwtIssuers: [{ issuer: "i", audiences: ["m"], jwksUri: "mailto:a", cluster: "c" }] },
    ],
    [
      "a suffix that begins anywhere",
      { credentials: [{ id: "a", sha256: "0".repeat(64), hosts: ["*search.example"] }] },
    ],
    [
      "another field named start_time",
      {
        gateway: {
          ...tenant().spec.gateway,
          tuning: { accessLog: { fields: [{ field: "duration", as: "start_time" }] } },
        },
      },
    ],
    [
      "a window twice",
      {},
      {
        limits: {
          requestsPerSecond: 1,
          windows: [
            { per: "hour", requests: 1 },
            { per: "hour", requests: 2 },
          ],
        },
      },
    ],
  ])("%s", (_name, ofTenant, ofTask = {}) => {
    expect(checked(tenant(ofTenant), task("ranking", ofTask)).faults).toHaveLength(1);
  });
});

describe("what the schema does not see, the filter says at its field", () => {
  it("of a Tenant, and of one of many tasks", () => {
    const { resources } = checked(
      tenant({ limits: { requestsPerSecond: 1 } }),
      ...["a", "b", "c"].map((name) => task(name, name === "a" ? {} : { limits: { requestsPerSecond: 5 } })),
    );
    const [owner] = resources.tenants;
    const last = resources.tasks[2];
    if (!owner?.resource.spec.limits || !last?.resource.spec.limits) throw new Error("no limits");
    owner.resource.spec.limits.burst = -1;
    last.resource.spec.limits.requestsPerSecond = 0;
    expect(filterFaults(resources).map(formatFault)).toEqual([
      "a.json:1: ModelTask/c: spec.limits.requestsPerSecond: the filter refuses it: must be at least 0.001",
      "a.json:1: Tenant/search: spec.limits.burst: the filter refuses it: must be at least 0.001",
    ]);
  });

  it("a fault without a field is found by halves", () => {
    const { resources } = checked(tenant(), ...["a", "b", "c", "d"].map((name) => task(name)));
    const third = resources.tasks[2];
    if (!third) throw new Error("no task");
    // Half of a surrogate pair: no JSON of RFC 8259, so that the filter can't read any of the configuration.
    third.resource.spec.taskid = "\ud800";
    const faults = filterFaults(resources);
    expect(faults.map(({ resource, path }) => [resource, path])).toEqual([["ModelTask/c", ["spec"]]]);
  });

  it("a message that holds what looks like a path stays whole", () => {
    expect(
      parseRefusals("rateLimit.tasks[1].taskid: a; b has a limit already; tenantAuth.mode: bad"),
    ).toEqual([
      { path: ["rateLimit", "tasks", 1, "taskid"], message: "a; b has a limit already" },
      { path: ["tenantAuth", "mode"], message: "bad" },
    ]);
  });

  it.each<[string, object, object]>([
    ["tenantAuth.tenantHeader: must be the name of a header", { tenantHeader: "a\nb" }, {}],
    ["tenantAuth.apiKey.headers[0]: must be the name of a header", { apiKey: { headers: ["a b"] } }, {}],
    [
      "tenantAuth.tenants[0].credentials[0].certificate.sha256: must be 64 hexadecimal digits",
      { tenants: [{ tenant: "a", credentials: [{ id: "a", certificate: { sha256: "ab" } }] }] },
      {},
    ],
    [
      "protocolConversion.tasks[0].raw.shape[0]: must be a whole number",
      {},
      { raw: { name: "x", datatype: "FP32", shape: [0.5] } },
    ],
    [
      "protocolConversion.tasks[0].signatures[1].name: s is there twice",
      {},
      { signatures: ["s", "s"].map((name) => ({ name, inputs: [{ name: "x", dtype: "DT_FLOAT" }] })) },
    ],
  ])("%s", (fault, tenantAuth, conversion) => {
    const refusals = new Filter().refusals({
      tenantAuth: { tenants: [], ...tenantAuth },
      rateLimit: { tasks: [], tenants: [] },
      protocolConversion: { tasks: [{ taskid: "1", ...conversion }] },
      accessLog: { gateway: "a/b" },
    });
    expect(refusals.map(({ path, message }) => `${formatPath(path)}: ${message}`)).toEqual([fault]);
  });

  it("without its module it says how to make that", () => {
    expect(() => new Filter("/nowhere/gateway.wasm")).toThrow("make it with modelgate build");
  });
});
