import { z } from "zod";
import { budget } from "./budget.ts";
import { compression } from "./compression.ts";
import { cors } from "./cors.ts";
import { credential, permission } from "./credential.ts";
import {
  API_VERSION,
  dnsLabel,
  dnsName,
  host,
  mode,
  ownHeaderName,
  podLabels,
  port,
  sha256,
  tenantName,
} from "./fields.ts";
import { gatewayProtection } from "./gateway-protection.ts";
import { gatewayDeployment, gatewayFilter, gatewayTuning } from "./gateway-settings.ts";
import { jwtIssuer } from "./jwt-issuer.ts";
import { descriptor, queue, tenantLimits } from "./limits.ts";
import { metadata, status } from "./metadata.ts";
import { priorities } from "./priorities.ts";
import { publicPath } from "./public-path.ts";
import { withRules } from "./rules.ts";
import { signature } from "./signature.ts";
import { tenantTokenLimits } from "./token-limits.ts";

const gateway = z.strictObject({
  name: dnsLabel().describe("Name of the ingress gateway's Deployment and of its Istio Gateway."),
  namespace: dnsLabel().describe("Namespace of the gateway's pods."),
  selector: podLabels().optional().describe("Labels of the gateway's pods. Default: `istio: <name>`."),
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
  sealingKey: z
    .strictObject({
      name: dnsName().describe("Name of the Secret, in the gateway's namespace."),
      key: z.string().min(1).max(253).default("key").describe("Key within the Secret. Default: key."),
    })
    .optional()
    .describe(
      "Secret with the key that seals what is secret in the WasmPlugin, the keys of hmac credentials and the tokens for controller and collector: 64 hexadecimal digits, or a new key and those before it. The gateway's pods have it in their environment, as MODELGATE_SEALING_KEY; pods without `deployment` must be given it. Default: with `deployment`, `<name>-sealing-key`, which apply and the controller make; without, none, and nothing that is secret can be rendered.",
    ),
  routing: z
    .enum(["tree", "routes"])
    .optional()
    .describe(
      "How Envoy finds a task's route: tree looks the task up, so that a request costs the same with any number of tasks; routes tries Istio's own routes one after the other. tree takes the place of all routes of the gateway's hosts, also of VirtualServices that are not Modelgate's. Default: tree from 64 routes on (each task has one, and one for each version and match).",
    ),
  deployment: gatewayDeployment
    .optional()
    .describe(
      "The gateway's own Deployment; `{}` takes the defaults. Default: none, the pods exist already.",
    ),
  protection: gatewayProtection
    .prefault({})
    .describe("What one client may take of a gateway pod's connections, streams and memory."),
  tuning: gatewayTuning.prefault({}).describe("Envoy settings that Istio has no field for."),
});

const tenantSpec = withRules(
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
    apiKey: z
      .strictObject({
        headers: z
          .array(ownHeaderName())
          .min(1)
          .max(32)
          .optional()
          .describe("Headers that may hold the key. Default: x-api-key. `Authorization: Bearer` always may.")
          .meta({ "x-kubernetes-list-type": "set" }),
        queryParameter: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .describe("Query parameter that may hold the key, as callers write it. Default: none may."),
      })
      .optional()
      .describe("Where callers put API keys."),
    signature: signature.optional().describe("Settings of signed requests (RFC 9421, hmac-sha256)."),
    tenantHeader: ownHeaderName("authorization")
      .optional()
      .describe("Header that tells the model server the tenant, such as x-modelgate-tenant. Default: none."),
    jwtIssuers: z.array(jwtIssuer).max(64).default([]).describe("Trusted issuers of tokens."),
    cors: cors
      .optional()
      .describe("Pages of other origins that may call the tenant's tasks. Default: none may."),
    compression: compression
      .optional()
      .describe("Compressed bodies of requests and responses. Default: none."),
    publicPaths: z
      .array(publicPath)
      .max(64)
      .default([])
      .describe(
        "Paths that need no credential, for load balancers that carry none: health checks, metadata. Default: none.",
      ),
    revoked: z
      .array(sha256())
      .max(100_000)
      .default([])
      .describe(
        "SHA-256 digests refused at once: of an API key, of `id:<tenant>/<credential id>`, or of `jti:<iss>\\n<jti>` of a token.",
      )
      .meta({ "x-kubernetes-list-type": "set" }),
    tasks: z
      .array(permission)
      .max(10_000)
      .default([])
      .describe("Tasks that the tenant's credentials may call. Default: none."),
    limits: tenantLimits.optional().describe("Limit of the tenant as a whole. Default: none."),
    tokenLimits: tenantTokenLimits
      .optional()
      .describe("Limit on the tokens of the tenant's language models together. Default: none."),
    descriptors: z
      .array(descriptor)
      .max(8)
      .default([])
      .describe("Limits for each value of a header, or each thing that a path names. Default: none.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
    queue: queue
      .optional()
      .describe(
        "Let requests wait for a token of a task, of the tenant or of a credential; `{}` takes the defaults. Default: they are refused at once.",
      ),
    budgets: z
      .array(budget)
      .max(64)
      .default([])
      .describe("Tokens or money that may be spent in a day, week or month. Default: no bounds.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
    rateLimitHeaders: z
      .boolean()
      .default(false)
      .describe(
        "Every response of a model server says what is left of the limits, in `RateLimit` and `RateLimit-Policy`, and to callers of OpenAI's API in its `x-ratelimit-*`. Default: refusals alone.",
      ),
    credentialShare: z
      .strictObject({
        percent: z
          .number()
          .min(1)
          .max(100)
          .optional()
          .describe(
            "Part of a task's requests in flight that one credential may have, in percent. Default: 50; 100 where the tenant has one credential and no token issuer.",
          ),
        maxInFlight: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(512)
          .describe(
            "Requests in flight that one credential may have of one task in a gateway pod, whatever the task's limit. Default: 512.",
          ),
      })
      .prefault({})
      .describe(
        "What one credential may have in flight of one task, so that no caller takes a task from the others; 429 `credential_concurrency_limited` beyond.",
      ),
    priorities: priorities
      .optional()
      .describe("Which requests go first when a limit is reached. Default: all are equal."),
    mode: mode(),
  }),
  [
    {
      holds: ({ credentials }) => new Set(credentials.map(({ id }) => id)).size === credentials.length,
      message: "must not hold an id twice",
      path: ["credentials"],
    },
    {
      holds: ({ apiKey: { headers = [] } = {} }) => new Set(headers).size === headers.length,
      message: "must not hold a header twice",
      path: ["apiKey", "headers"],
    },
    {
      holds: ({ apiKey, tenantHeader = "" }) => !(apiKey?.headers ?? ["x-api-key"]).includes(tenantHeader),
      cel: "!has(self.tenantHeader) || !(self.tenantHeader in (has(self.apiKey) && has(self.apiKey.headers) ? self.apiKey.headers : ['x-api-key']))",
      message: "must not be a header that may hold the key",
      path: ["tenantHeader"],
    },
    {
      holds: ({ descriptors }) => new Set(descriptors.map(({ name }) => name)).size === descriptors.length,
      message: "must not hold a name twice",
      path: ["descriptors"],
    },
    {
      holds: ({ budgets }) => new Set(budgets.map(({ name }) => name)).size === budgets.length,
      message: "must not hold a name twice",
      path: ["budgets"],
    },
    {
      holds: ({ revoked }) => new Set(revoked).size === revoked.length,
      message: "must not hold a digest twice",
      path: ["revoked"],
    },
  ],
);

/**
 * A business department: its gateway, hosts, namespaces, credentials and what they may call. Cluster-scoped.
 */
export const tenant = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Tenant"),
  metadata: metadata.extend({ name: tenantName() }),
  spec: tenantSpec,
  status,
});

export type Tenant = z.output<typeof tenant>;

/** Labels of the pods of a tenant's gateway. */
export function gatewaySelector({ spec }: Tenant): Record<string, string> {
  return spec.gateway.selector ?? { istio: spec.gateway.name };
}

/** A gateway's name in reports to the controller: `namespace/name`. */
export function gatewayName({ spec }: Tenant): string {
  return `${spec.gateway.namespace}/${spec.gateway.name}`;
}
