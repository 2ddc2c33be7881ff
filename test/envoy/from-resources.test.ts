/** Tenants and ModelTasks that were refused once, in the real Envoy: rates below one, and key sets with keys of no use. */
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { byKind, crossCheck } from "../../tools/api/cross-check.ts";
import { parseResources } from "../../tools/api/load.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { attacker, bearer, digestOf, ISSUER, jwk, jwt, KEY, rsa } from "../support/auth.ts";
import { type AuthGateway, startAuthGateway } from "../support/auth-gateway.ts";
import { startLimitsGateway } from "../support/limits-gateway.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const TENANT = {
  namespaces: ["search"],
  gateway: { name: "gateway", namespace: "search", hosts: ["*.search.example"] },
  tasks: [{ task: "*" }],
};

/** What validate takes, as `apply` renders it. @param tasks specs by task id */
function rendered(tenant: object, tasks: Record<string, object>): ReturnType<typeof pluginConfig> {
  const items = [
    { apiVersion, kind: "Tenant", metadata: { name: "search" }, spec: { ...TENANT, ...tenant } },
    ...Object.entries(tasks).map(([taskid, spec]) => ({
      ...{ apiVersion, kind: "ModelTask", metadata: { name: taskid, namespace: "search" } },
      spec: { taskid, tenant: "search", service: { name: "model" }, ...spec },
    })),
  ];
  const { resources, faults } = parseResources([
    { file: "a.json", text: JSON.stringify({ kind: "List", items }) },
  ]);
  expect(faults).toEqual([]);
  const checked = byKind(resources);
  crossCheck(checked);
  const [owner] = checked.tenants;
  if (!owner) throw new Error("no Tenant");
  const own = checked.tasks.map(({ resource }) => resource);
  return pluginConfig(owner.resource, own, () => undefined);
}

describe("limits below one request", () => {
  const HALF = { requestsPerSecond: 0.5 };
  const ofTask: Record<string, object> = {
    rate: { limits: HALF },
    burst: { limits: { requestsPerSecond: 0.01, burst: 0.5 } },
    hour: { limits: { requestsPerSecond: 100, windows: [{ per: "hour", requests: 0.5 }] } },
    minute: { limits: { requestsPerSecond: 100, windows: [{ per: "minute", requests: 0.5 }] } },
  };

  /** Statuses of three requests of a task, one after the other, and when the last may come again, in seconds. */
  async function ask(port: number, taskid: string) {
    const statuses: number[] = [];
    let retryAfter = 0;
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { taskid, "x-api-key": KEY } });
      statuses.push(response.status);
      retryAfter = Number(response.headers.get("retry-after"));
      await response.text();
    }
    return { statuses, retryAfter };
  }

  it("of tasks let one request through, and the next when its time has come", async () => {
    const { rateLimit } = rendered({}, ofTask);
    const gateway = await startLimitsGateway({ workers: 2, rateLimit: rateLimit as object });
    try {
      for (const [taskid, least, most] of [
        ["burst", 60, 100],
        ["minute", 60, 120],
        ["hour", 3600, 7200],
      ] as const) {
        const { statuses, retryAfter } = await ask(gateway.envoy.port, taskid);
        expect([taskid, ...statuses]).toEqual([taskid, 200, 429, 429]);
        expect(retryAfter, taskid).toBeGreaterThanOrEqual(least);
        expect(retryAfter, taskid).toBeLessThanOrEqual(most);
      }
      const begun = performance.now();
      expect((await ask(gateway.envoy.port, "rate")).statuses[0]).toBe(200);
      await expect.poll(async () => (await ask(gateway.envoy.port, "rate")).statuses).toContain(200);
      expect(performance.now() - begun).toBeGreaterThan(1500);
    } finally {
      await gateway.stop();
    }
  });

  it("of a tenant count all its tasks", async () => {
    const credentials = [{ id: "any", sha256: digestOf(KEY) }];
    const configuration = rendered(
      { credentials, limits: { requestsPerSecond: 0.02, burst: 0.5 } },
      { a: {}, b: {} },
    );
    const { rateLimit, ...others } = configuration;
    const gateway = await startLimitsGateway({
      ...{ workers: 1, module: modulePath("gateway"), rateLimit: rateLimit as object },
      configuration: { ...others, protocolConversion: {} },
    });
    try {
      expect((await ask(gateway.envoy.port, "a")).statuses).toEqual([200, 429, 429]);
      expect((await ask(gateway.envoy.port, "b")).statuses).toEqual([429, 429, 429]);
    } finally {
      await gateway.stop();
    }
  });
});

describe("a key set with one good key among others", () => {
  const keys = [
    jwk(attacker.publicKey, "encrypts", { use: "enc", alg: "RSA-OAEP" }),
    jwk(generateKeyPairSync("ed25519").publicKey, "ed25519"),
    jwk(generateKeyPairSync("ec", { namedCurve: "P-521" }).publicKey, "p521"),
    jwk(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey, "secp256k1"),
    { kty: "AKP", alg: "ML-DSA-44", kid: "akp", pub: "AAAA" },
    jwk(rsa.publicKey, "rsa", { alg: "RS256" }),
  ];
  const issuer = { issuer: ISSUER, audiences: ["models"] };
  const credentials = [{ id: "any", type: "token", issuer: ISSUER }];

  async function check(gateway: AuthGateway): Promise<void> {
    const status = async (token: string) => (await gateway.send(bearer(token))).status;
    // Each worker fetches the keys for itself, and answers 503 until it has them.
    const becomes = (token: string, wanted: number) => expect.poll(() => status(token)).toBe(wanted);
    await becomes(jwt(), 200);
    await becomes(jwt({ kid: undefined }), 200);
    // The key that encrypts checks no signature, also under its own name.
    await becomes(jwt({ kid: "encrypts", key: attacker.privateKey }), 401);
    await becomes(jwt({ kid: undefined, key: attacker.privateKey }), 401);
  }

  it("inline", async () => {
    const jwks = JSON.stringify({ keys });
    const { tenantAuth } = rendered({ credentials, jwtIssuers: [{ ...issuer, jwks }] }, { "666": {} });
    const gateway = await startAuthGateway(tenantAuth);
    await check(gateway).finally(gateway.stop);
  });

  it("fetched", async () => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const remote = { jwksUri: "http://login.example/keys", cluster: "keys" };
    const { tenantAuth } = rendered({ credentials, jwtIssuers: [{ ...issuer, ...remote }] }, { "666": {} });
    const address = { socket_address: { address: "127.0.0.1", port_value: port } };
    const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
    const cluster = {
      ...{ name: "keys", connect_timeout: "1s" },
      load_assignment: { cluster_name: "keys", endpoints },
    };
    const gateway = await startAuthGateway(tenantAuth, { clusters: [cluster] });
    await check(gateway).finally(gateway.stop);
    server.close();
  });
});
