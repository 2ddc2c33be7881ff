import {
  constants,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign as signBytes,
} from "node:crypto";

/** Keys, tokens, signed requests and a configuration of tenant-auth, for its tests in both hosts. */

export const KEY = "k".repeat(70); // more than one block of SHA-256
export const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
export const revocationOfJti = (jti: string) => digestOf(`jti:${ISSUER}\n${jti}`);

export const ISSUER = "https://login.example";
/** Its tokens say a `client_id` and no `aud`, as access tokens of AWS Cognito do. */
export const CLIENT_ISSUER = "https://clients.example";
/** Of its tokens both are checked. */
export const BOTH_ISSUER = "https://both.example";
export const SHARED_SECRET = Buffer.from("0123456789abcdef0123456789abcdef");
const SIGNING_SECRET = Buffer.from("fedcba9876543210fedcba9876543210");

export const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const attacker = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });

export function jwk(key: KeyObject, kid: string, more: object = {}): Record<string, unknown> {
  return { ...key.export({ format: "jwk" }), kid, use: "sig", ...more };
}

export const jwks = {
  keys: [
    jwk(rsa.publicKey, "rsa"),
    jwk(p256.publicKey, "p256"),
    jwk(p384.publicKey, "p384"),
    { kty: "oct", kid: "hs", k: SHARED_SECRET.toString("base64url"), use: "sig" },
    jwk(attacker.publicKey, "only-rs512", { alg: "RS512" }),
  ],
};

export const seconds = () => Math.floor(Date.now() / 1000);

const base64url = (value: object | string | Buffer) =>
  (value instanceof Buffer
    ? value
    : Buffer.from(typeof value === "string" ? value : JSON.stringify(value))
  ).toString("base64url");

interface TokenOptions {
  alg?: string;
  kid?: string | undefined;
  key?: KeyObject | Buffer;
  header?: object;
  claims?: Record<string, unknown> | string | Buffer;
  /** Replaces the signature. */
  signature?: string;
}

export const claims = (more: Record<string, unknown> = {}) => ({
  iss: ISSUER,
  aud: "models",
  sub: "batch",
  exp: seconds() + 600,
  ...more,
});

const HASHES: Record<string, string> = { "256": "sha256", "384": "sha384", "512": "sha512" };

/** A JSON Web Token; good unless the options say otherwise. */
export function jwt(options: TokenOptions = {}): string {
  const alg = options.alg ?? "RS256";
  const kid = "kid" in options ? options.kid : "rsa";
  const header = { alg, ...(kid === undefined ? {} : { kid }), ...options.header };
  const text = `${base64url(header)}.${base64url(options.claims ?? claims())}`;
  return `${text}.${options.signature ?? tokenSignature(alg, text, options.key)}`;
}

function tokenSignature(alg: string, text: string, key: KeyObject | Buffer | undefined): string {
  const hash = HASHES[alg.slice(2)] ?? "sha256";
  const bytes = Buffer.from(text);
  if (alg.startsWith("HS")) {
    return createHmac(hash, key ?? SHARED_SECRET)
      .update(bytes)
      .digest("base64url");
  }
  if (alg.startsWith("ES")) {
    const own = (key ?? (alg === "ES256" ? p256.privateKey : p384.privateKey)) as KeyObject;
    return signBytes(hash, bytes, { key: own, dsaEncoding: "ieee-p1363" }).toString("base64url");
  }
  const padding = alg.startsWith("PS") ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return signBytes(hash, bytes, { key: (key ?? rsa.privateKey) as KeyObject, padding, saltLength }).toString(
    "base64url",
  );
}

export interface Call {
  method?: string;
  path?: string;
  authority?: string;
  headers: [string, string][];
  body?: string;
}

/** A call with `Authorization: Bearer`. */
export function bearer(token: string, taskid = "666"): Call {
  return {
    headers: [
      ["authorization", `Bearer ${token}`],
      ["taskid", taskid],
    ],
  };
}

interface SignOptions {
  components?: string[];
  created?: number;
  params?: string;
  nonce?: string;
  keyid?: string;
  secret?: Buffer;
  label?: string;
  digest?: string;
  /** Replaces the text of `Signature-Input`. */
  input?: string;
  /** Values of components beyond the usual, by their names. */
  derived?: Record<string, string>;
}

/** Signs a call by RFC 9421 and adds the headers. */
export function signed(call: Call, options: SignOptions = {}): Call {
  const headers = [...call.headers];
  const digest =
    options.digest ??
    `sha-256=:${createHash("sha256")
      .update(call.body ?? "")
      .digest("base64")}:`;
  if (call.body !== undefined) headers.push(["content-digest", digest]);
  const path = call.path ?? "/v2/models/m/infer";
  const query = path.indexOf("?");
  const derived: Record<string, string> = {
    "@method": call.method ?? "POST",
    "@path": query < 0 ? path : path.slice(0, query),
    "@query": query < 0 ? "?" : path.slice(query),
    "@request-target": path,
    "@authority": call.authority ?? "gateway.example",
    ...options.derived,
  };
  const components = options.components ?? [
    "@method",
    "@path",
    ...(query < 0 ? [] : ["@query"]),
    ...["taskid", "version", "content-digest"].filter((name) => headers.some(([each]) => each === name)),
  ];
  const params =
    options.params ??
    `;created=${options.created ?? seconds()};keyid="${options.keyid ?? "search/signer"}";nonce="${options.nonce ?? randomUUID()}"`;
  const input = options.input ?? `(${components.map((name) => `"${name}"`).join(" ")})${params}`;
  const lines = components.map((name) => {
    const values = headers.filter(([each]) => each === name).map(([, value]) => value);
    return `"${name}": ${derived[name] ?? values.join(", ")}`;
  });
  const text = [...lines, `"@signature-params": ${input}`].join("\n");
  const mac = createHmac("sha256", options.secret ?? SIGNING_SECRET)
    .update(text)
    .digest("base64");
  const label = options.label ?? "sig1";
  headers.push(["signature-input", `${label}=${input}`], ["signature", `${label}=:${mac}:`]);
  return { ...call, headers };
}

export const REVOKED_KEY = "a-revoked-key";
export const REVOKED_JTI = "stolen";

export const authConfig = {
  apiKey: { headers: ["x-api-key", "api-key"], queryParameter: "api_key" },
  signature: { maxSkewSeconds: 60 },
  revoked: [digestOf(REVOKED_KEY), digestOf("id:search/revoked-by-id"), revocationOfJti(REVOKED_JTI)],
  issuers: [
    {
      issuer: ISSUER,
      audiences: ["models", "other"],
      jwks,
      algorithms: ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256"],
      leewaySeconds: 30,
    },
    { issuer: "https://rs-only.example", audiences: ["models"], jwks, algorithms: ["RS256"] },
    {
      issuer: "https://shared.example",
      audiences: ["models"],
      jwks: { keys: [jwk(rsa.publicKey, "rsa")] },
      tenantClaim: "department",
      tasksClaim: "scope",
    },
    { issuer: CLIENT_ISSUER, clientIds: ["app", "shop"], jwks },
    { issuer: BOTH_ISSUER, audiences: ["models"], clientIds: ["app"], jwks },
  ],
  tasks: [
    { taskid: "open", mode: "off" },
    { taskid: "trial", mode: "dryRun" },
  ],
  tenants: [
    {
      tenant: "search",
      credentials: [
        { id: "a", sha256: digestOf(KEY) },
        { id: "plus", sha256: digestOf("a+b/") },
        { id: "b", sha256: digestOf("second").toUpperCase() },
        { id: "revoked", sha256: digestOf(REVOKED_KEY) },
        { id: "revoked-by-id", sha256: digestOf("another-revoked-key") },
        { id: "disabled", sha256: digestOf("disabled"), enabled: false },
        { id: "expired", sha256: digestOf("expired"), notAfter: "2020-01-01T00:00:00Z" },
        { id: "future", sha256: digestOf("future"), notBefore: "2099-01-01T00:00:00+01:00" },
        { id: "get-only", sha256: digestOf("get-only"), methods: ["GET"] },
        { id: "one-host", sha256: digestOf("one-host"), hosts: ["models.example", "*.search.example"] },
        {
          id: "narrow",
          sha256: digestOf("narrow-key"),
          tasks: [{ task: "search-a*" }, { task: "666", versions: ["v1"] }],
        },
        { id: "signer", secret: SIGNING_SECRET.toString("base64") },
        { id: "batch", token: { issuer: ISSUER, subject: "batch" } },
        { id: "rs-only", token: { issuer: "https://rs-only.example" } },
        { id: "by-claim", token: { issuer: "https://shared.example" } },
        { id: "by-client", token: { issuer: CLIENT_ISSUER } },
        { id: "by-both", token: { issuer: BOTH_ISSUER } },
        { id: "pod", certificate: { uri: "spiffe://cluster.local/ns/search/sa/batch" } },
      ],
      tasks: [
        { task: "666" },
        { task: "v", versions: ["v1", "v2"] },
        { task: "search-*" },
        { task: "search-secret", versions: ["none"] },
      ],
    },
    {
      tenant: "ads",
      mode: "dryRun",
      credentials: [
        { id: "c", sha256: digestOf("ads-key") },
        { id: "by-claim", token: { issuer: "https://shared.example" } },
      ],
      tasks: [{ task: "ads-*" }],
    },
  ],
};
