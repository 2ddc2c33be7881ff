import { z } from "zod";
import {
  API_VERSION,
  dnsLabel,
  dnsName,
  host,
  instant,
  mode,
  port,
  rate,
  sha256,
  version,
} from "./fields.ts";
import { gatewayDeployment, gatewayFilter, gatewayTuning } from "./gateway-settings.ts";
import { metadata, status } from "./metadata.ts";
import { withRules } from "./rules.ts";

const permission = z.strictObject({
  task: z
    .string()
    .max(128)
    .regex(/^([A-Za-z0-9._~-]+\*?|\*)$/, "must be a task id, a prefix such as search-*, or *")
    .describe("A task id, a prefix that ends in `*` such as `search-*`, or `*` for each task of the tenant."),
  versions: z
    .array(version())
    .max(64)
    .optional()
    .describe("Versions that may be called. Default: each version."),
});

const gateway = z.strictObject({
  name: dnsLabel().describe("Name of the ingress gateway's Deployment and of its Istio Gateway."),
  namespace: dnsLabel().describe("Namespace of the gateway's pods."),
  selector: z
    .record(z.string(), z.string())
    .optional()
    .describe("Labels of the gateway's pods. Default: `istio: <name>`."),
  port: port().default(8866).describe("Port that the gateway listens on. Default: 8866."),
  hosts: z
    .array(host())
    .min(1)
    .max(256)
    .describe(
      "Hosts that the gateway answers for; `*` may stand for the first label. No two tenants share one.",
    ),
  tls: z
    .strictObject({
      credentialName: dnsName().describe(
        "Secret in the gateway's namespace with the certificate and its key.",
      ),
      mutual: z
        .boolean()
        .default(false)
        .describe("Ask callers for a certificate that the Secret's CA has signed. Default: false."),
    })
    .optional()
    .describe("Serve TLS. Default: plain text."),
  filter: gatewayFilter.prefault({}).describe("The filter that the gateway runs."),
  deployment: gatewayDeployment
    .optional()
    .describe("The gateway's pods; `{}` takes the defaults. Default: they are there already."),
  tuning: gatewayTuning.prefault({}).describe("Envoy settings for which Istio has no field."),
});

const credential = withRules(
  z.strictObject({
    id: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9._@-]+$/, "must be 1 to 128 of the characters A-Z a-z 0-9 . _ @ -")
      .describe("Name in logs and revocations, unique in the tenant."),
    type: z
      .enum(["apiKey", "hmac", "jwt", "mtls"])
      .default("apiKey")
      .describe(
        "apiKey: a secret in a header; hmac: a signature over the request; jwt: a token of an issuer in `jwtIssuers`; mtls: a client certificate. Default: apiKey.",
      ),
    sha256: sha256()
      .optional()
      .describe("apiKey: SHA-256 of the key; mtls: SHA-256 of the certificate in DER. Hexadecimal."),
    secretRef: z
      .strictObject({
        name: dnsName().describe("Name of the Secret, in the gateway's namespace."),
        key: z.string().min(1).max(253).describe("Key within the Secret."),
      })
      .optional()
      .describe(
        "hmac: the Secret that holds the shared key; apiKey: a Secret with the key, instead of `sha256`.",
      ),
    issuer: z.string().max(2048).optional().describe("jwt: the `iss` of the tokens."),
    subject: z
      .string()
      .max(2048)
      .optional()
      .describe("jwt: the `sub` of the tokens, default any; mtls: the URI or DNS name in the certificate."),
    tasks: z
      .array(permission)
      .max(10_000)
      .optional()
      .describe("Narrows the tenant's `tasks` for this credential. Default: all that the tenant may call."),
    methods: z
      .array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
      .optional()
      .describe("HTTP methods it may use. Default: each."),
    hosts: z.array(host()).max(256).optional().describe("Hosts it may call. Default: each of the gateway."),
    notBefore: instant().optional().describe("Not valid before this time, RFC 3339. Default: always."),
    notAfter: instant().optional().describe("Not valid after this time, RFC 3339. Default: for ever."),
    enabled: z.boolean().default(true).describe("false refuses it at once, everywhere. Default: true."),
    priority: dnsLabel()
      .optional()
      .describe("Name of a priority in the `limits.priorities` of tasks. Default: the first one there."),
  }),
  [
    {
      holds: ({ type, sha256, secretRef }) =>
        type !== "apiKey" || (sha256 === undefined) !== (secretRef === undefined),
      cel: "self.type != 'apiKey' || has(self.sha256) != has(self.secretRef)",
      message: "of type apiKey needs sha256 or secretRef (one of them)",
    },
    {
      holds: ({ type, secretRef }) => type !== "hmac" || secretRef !== undefined,
      cel: "self.type != 'hmac' || has(self.secretRef)",
      message: "of type hmac needs secretRef",
    },
    {
      holds: ({ type, issuer }) => type !== "jwt" || issuer !== undefined,
      cel: "self.type != 'jwt' || has(self.issuer)",
      message: "of type jwt needs issuer",
    },
    {
      holds: ({ type, sha256, subject }) => type !== "mtls" || sha256 !== undefined || subject !== undefined,
      cel: "self.type != 'mtls' || has(self.sha256) || has(self.subject)",
      message: "of type mtls needs sha256 or subject",
    },
    {
      holds: ({ notBefore, notAfter }) =>
        notBefore === undefined || notAfter === undefined || Date.parse(notBefore) < Date.parse(notAfter),
      cel: "!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",
      message: "must be later than notBefore",
      path: ["notAfter"],
    },
  ],
);

const jwtIssuer = withRules(
  z.strictObject({
    issuer: z.string().min(1).max(2048).describe("The `iss` of its tokens, compared exactly."),
    audiences: z.array(z.string().min(1).max(2048)).min(1).max(64).describe("`aud` must hold one of these."),
    jwks: z.string().max(262_144).optional().describe("JSON Web Key Set (RFC 7517) as text."),
    jwksUri: z.url().max(2048).optional().describe("Where the key set is fetched, through `cluster`."),
    cluster: z.string().max(253).optional().describe("Envoy cluster that reaches `jwksUri`."),
    claims: z
      .strictObject({
        credential: z
          .string()
          .max(128)
          .default("sub")
          .describe("Claim that names the credential. Default: sub."),
        tasks: z
          .string()
          .max(128)
          .optional()
          .describe("Claim with a list of task ids that the token may call."),
        priority: z.string().max(128).optional().describe("Claim that names the priority."),
      })
      .prefault({})
      .describe("Which claims mean what."),
    leewaySeconds: z.int().min(0).max(600).default(60).describe("Clock difference to accept. Default: 60."),
  }),
  [
    {
      holds: ({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined),
      cel: "has(self.jwks) != has(self.jwksUri)",
      message: "needs jwks or jwksUri (one of them)",
    },
    {
      holds: ({ jwksUri, cluster }) => (jwksUri === undefined) === (cluster === undefined),
      cel: "has(self.jwksUri) == has(self.cluster)",
      message: "jwksUri and cluster go together",
    },
  ],
);

export const tenantSpec = withRules(
  z.strictObject({
    gateway: gateway.describe("The tenant's own ingress gateway."),
    namespaces: z
      .array(dnsLabel())
      .min(1)
      .max(256)
      .describe("Namespaces of the tenant's ModelTasks: one gateway for one or more namespaces."),
    credentials: z
      .array(credential)
      .max(10_000)
      .default([])
      .describe("Who may call. Default: nobody.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"] }),
    jwtIssuers: z.array(jwtIssuer).max(64).default([]).describe("Issuers whose tokens are trusted."),
    revoked: z
      .array(sha256())
      .max(100_000)
      .default([])
      .describe(
        "SHA-256 digests refused at once without a new configuration: of an API key, of `id:<tenant>/<credential id>`, or of `jti:<iss>\\n<jti>` of a token.",
      ),
    tasks: z
      .array(permission)
      .max(10_000)
      .default([])
      .describe("Tasks that the tenant's credentials may call. Default: none."),
    limits: z
      .strictObject({
        requestsPerSecond: rate().describe(
          "Requests a second over all of the tenant's tasks and gateway pods.",
        ),
        burst: rate().optional().describe("Requests at once. Default: those of one second."),
      })
      .optional()
      .describe("Limit of the tenant as a whole. Default: none."),
    mode: mode(),
  }),
  [
    {
      holds: ({ credentials }) => new Set(credentials.map(({ id }) => id)).size === credentials.length,
      message: "must not hold an id twice",
      path: ["credentials"],
    },
  ],
);

/** A business department: its gateway, hosts, namespaces, credentials and what they may call. Cluster-scoped. */
export const tenant = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Tenant"),
  metadata,
  spec: tenantSpec,
  status,
});

export type Tenant = z.output<typeof tenant>;
export type Credential = Tenant["spec"]["credentials"][number];

/** Labels of the pods of a tenant's gateway. */
export function gatewaySelector({ spec }: Tenant): Record<string, string> {
  return spec.gateway.selector ?? { istio: spec.gateway.name };
}

/** A gateway's name in reports to the controller: `namespace/name`. */
export function gatewayName({ spec }: Tenant): string {
  return `${spec.gateway.namespace}/${spec.gateway.name}`;
}
