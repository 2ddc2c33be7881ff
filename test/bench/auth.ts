import { createHash } from "node:crypto";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { makeIssuer } from "./issuer.ts";
import { apiKeyAuth, jwtAuthn } from "./native.ts";
import type { Variant } from "./variants.ts";

const KEYS = Array.from({ length: 10_000 }, (_, i) => `secret-key-number-${i}`);
/** More than any cache here holds, so that tokens sent in turn are never found in one. */
const TOKENS = 9000;
const REQUESTS = 60_000;
const CONNECTIONS = 20;
const PATH = "/v1/models/x:predict";

/** What authentication adds to a small request that Envoy answers itself. */
export function authentication(): Variant[] {
  const { issuer, audiences, jwks, subject, token } = makeIssuer();
  const tenantAuth = {
    publish: false,
    issuers: [{ issuer, audiences, jwks }],
    tenants: [
      {
        tenant: "bench",
        credentials: [
          ...KEYS.map((key, i) => ({ id: `c${i}`, sha256: createHash("sha256").update(key).digest("hex") })),
          { id: "batch", token: { issuer, subject } },
        ],
        tasks: [{ task: "666" }],
      },
    ],
  };
  const ours = [wasmFilter("tenant-auth", modulePath("tenant-auth"), { tenantAuth })];
  const answer = {
    match: { prefix: "/" },
    direct_response: { status: 200, body: { inline_string: "ok" } },
  };
  const byKey = { "x-api-key": KEYS[7] as string, taskid: "666" };
  const byToken = { authorization: `Bearer ${token()}`, taskid: "666" };
  const variant = (name: string, filters: object[], headers: Record<string, string>): Variant => ({
    name,
    envoy: { tasks: [], routes: [answer], filters },
    load: { path: PATH, headers, requests: REQUESTS, connections: CONNECTIONS },
  });
  let tokens: Buffer[] | undefined;
  const varied = (name: string, filters: object[]): Variant => ({
    name,
    envoy: { tasks: [], routes: [answer], filters },
    load: {
      connections: CONNECTIONS,
      get requests() {
        tokens ??= Array.from({ length: TOKENS }, (_, i) =>
          Buffer.from(
            `GET ${PATH} HTTP/1.1\r\nhost: x\r\ntaskid: 666\r\nauthorization: Bearer ${token(i)}\r\n\r\n`,
          ),
        );
        return tokens;
      },
    },
  });
  const native = (cached: boolean) => [jwtAuthn(issuer, audiences, jwks, cached)];
  return [
    variant("no filter", [], byKey),
    variant("native api_key_auth, 10,000 keys", [apiKeyAuth(KEYS)], byKey),
    variant("tenant-auth.wasm, API key, 10,000 credentials", ours, byKey),
    variant("no filter, one token", [], byToken),
    variant("native jwt_authn RS256, no cache, one token", native(false), byToken),
    variant("native jwt_authn RS256, cache, one token", native(true), byToken),
    variant("tenant-auth.wasm, JWT RS256, one token", ours, byToken),
    varied("no filter, a new token each time", []),
    varied("native jwt_authn RS256, a new token each time", native(false)),
    varied("tenant-auth.wasm, JWT RS256, a new token each time", ours),
  ];
}
