import { beforeAll, describe, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import type { SecretLookup } from "../../tools/cluster/istio/secret-lookup.ts";
import { type TenantAuthConfig, tenantAuthConfig } from "../../tools/cluster/istio/tenant-auth-config.ts";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type Call, digestOf } from "../support/auth.ts";
import {
  type AuthCase,
  apiKeyCases,
  permissionCases,
  signatureCases,
  tokenCases,
} from "../support/auth-cases.ts";
import { authSecret, authTasks, authTenant } from "../support/auth-tenant.ts";

const secrets: SecretLookup = (namespace, name, key) =>
  `${namespace}/${name}/${key}` === "edge/signer/secret"
    ? Buffer.from(authSecret.data.secret, "base64")
    : undefined;

/** Configuration that a Tenant renders to, taken by the real filter. */
function configure(spec: object = {}, tasks: object[] = authTasks, lookup = secrets): [Vm, TenantAuthConfig] {
  const parsed = tenant.parse({ ...authTenant, spec: { ...authTenant.spec, ...spec } });
  const config = tenantAuthConfig(
    parsed,
    tasks.map((each) => modelTask.parse(each)),
    lookup,
  );
  const vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: config }), vm.logs.at(-1)).toBe(true);
  return [vm, config];
}

function reason(vm: Vm, { method, path, authority, headers, body }: Call, state = {}): string | undefined {
  const stream = vm.open(
    [
      [":method", method ?? (body === undefined ? "GET" : "POST")],
      [":path", path ?? "/v2/models/m/infer"],
      [":authority", authority ?? "gateway.example"],
      ...headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
    ],
    body === undefined,
    state,
  );
  if (body !== undefined && stream.action === CONTINUE) stream.sendRequestBody(Buffer.from(body));
  const said = stream.reply?.details;
  stream.close();
  return said;
}

const ofSearch = ([, { headers }]: AuthCase) => !headers.some(([, value]) => value === "ads-key");

describe("a Tenant's configuration decides as one by hand", () => {
  let vm: Vm;
  beforeAll(() => {
    [vm] = configure();
  });
  const check = (_name: string, call: Call, wanted?: string) => expect(reason(vm, call)).toBe(wanted);

  it.each(apiKeyCases().filter(ofSearch))("API key: %s", check);
  it.each(permissionCases().filter(ofSearch))("permission: %s", check);
  it.each(tokenCases())("token: %s", check);
  it("signatures", () => {
    for (const [name, call, wanted] of signatureCases()) expect(reason(vm, call), name).toBe(wanted);
  });
});

const call = (headers: Record<string, string> = {}): Call => ({
  headers: Object.entries({ taskid: "666", ...headers }),
});

describe("certificates", () => {
  const sha256 = digestOf("certificate");
  it.each<[string, object, string, string]>([
    ["URI", { subject: "spiffe://a/b" }, "uri_san_peer_certificate", "spiffe://a/b"],
    ["DNS name", { subject: "batch.example" }, "dns_san_peer_certificate", "batch.example"],
    ["subject", { subject: "CN=batch,O=Search" }, "subject_peer_certificate", "CN=batch,O=Search"],
    ["fingerprint", { sha256 }, "sha256_peer_certificate_digest", sha256],
  ])("%s", (_name, name, property, value) => {
    const [vm] = configure({ credentials: [{ id: "c", type: "certificate", ...name }] });
    expect(reason(vm, call(), { [`connection\0${property}`]: value })).toBeUndefined();
    expect(reason(vm, call(), { [`connection\0${property}`]: `${value}x` })).toBe("credential_missing");
  });
});

describe("fields", () => {
  const key = { id: "k", sha256: digestOf("key") };
  const of = (more: object) => ({ credentials: [{ ...key, ...more }] });
  const presented = call({ "x-api-key": "key" });
  it.each<[string, object, string | undefined]>([
    ["plain", of({}), undefined],
    ["disabled, with a reason", of({ enabled: false, reason: "lost" }), "credential_disabled"],
    ["fraction and offset in times", of({ notAfter: "2020-01-01T00:00:00.5+02:00" }), "credential_expired"],
    ["not yet", of({ notBefore: "2099-01-01T00:00:00Z" }), "credential_not_yet_valid"],
    ["methods", of({ methods: ["PUT"] }), "method_forbidden"],
    ["no methods: each", of({ methods: [] }), undefined],
    ["hosts", of({ hosts: ["other.example"] }), "host_forbidden"],
    ["any host", of({ hosts: ["other.example", "*"] }), undefined],
    ["tasks", of({ tasks: [{ task: "7*" }] }), "task_forbidden"],
    ["no tasks", of({ tasks: [] }), "task_forbidden"],
    ["other header", { ...of({}), apiKey: { headers: ["x-key"] } }, "credential_missing"],
    ["signatures cover more", { signature: { components: ["@authority"] } }, "credential_unknown"],
    ["tenant off", { ...of({ enabled: false }), mode: "off" }, undefined],
    ["tenant on trial", { ...of({ enabled: false }), mode: "dryRun" }, undefined],
  ])("%s", (_name, spec, wanted) => {
    expect(reason(configure(spec)[0], presented)).toBe(wanted);
  });

  it("a task's mode goes before the tenant's, also for callers that nobody knows", () => {
    const strict = { ...authTasks[0], spec: { ...authTasks[0]?.spec, mode: "enforce" } };
    const [vm] = configure({ mode: "dryRun" }, [strict]);
    expect(reason(vm, call())).toBe("credential_missing");
    expect(reason(vm, { headers: [["taskid", "7"]] })).toBeUndefined();
  });

  it("the tenant's name goes to the model server", () => {
    const [vm] = configure({ ...of({}), tenantHeader: "x-modelgate-tenant" });
    const stream = vm.open({ "x-api-key": "key", taskid: "666" });
    expect(stream.header("x-modelgate-tenant")).toBe("search");
  });

  it("API keys in a Secret", () => {
    const credentials = [{ id: "k", secretRef: { name: "s", key: "k" } }];
    const [vm] = configure({ credentials }, [], () => Buffer.from("key"));
    expect(reason(vm, presented)).toBeUndefined();
  });

  it("a Secret that nobody knows, needed or not", () => {
    const credentials = [{ id: "k", secretRef: { name: "s", key: "k" } }];
    expect(() => configure({ credentials }, [], () => undefined)).toThrow(
      "Tenant search: credential k: key k of Secret edge/s is not known",
    );
    const off = credentials.map((each) => ({ ...each, enabled: false }));
    expect(configure({ credentials: off }, [], () => undefined)[1].tenants[0]?.credentials).toEqual([]);
  });

  it("all of an issuer", () => {
    const jwtIssuers = [
      {
        issuer: "https://i.example",
        audiences: ["a"],
        jwksUri: "https://keys.example:8443/jwks?v=1",
        cluster: "outbound|8443||keys.example",
        refresh: "1m30s",
        algorithms: ["ES256"],
        requireExpiry: false,
        leewaySeconds: 5,
        claims: { credential: "azp", tenant: "department", tasks: "scope" },
      },
    ];
    const [, config] = configure({ jwtIssuers, credentials: [] });
    expect(config.issuers).toEqual([
      {
        issuer: "https://i.example",
        audiences: ["a"],
        remoteJwks: {
          cluster: "outbound|8443||keys.example",
          authority: "keys.example:8443",
          path: "/jwks?v=1",
          refreshSeconds: 90,
        },
        algorithms: ["ES256"],
        leewaySeconds: 5,
        requireExpiry: false,
        subjectClaim: "azp",
        tenantClaim: "department",
        tasksClaim: "scope",
      },
    ]);
  });
});
