import { authConfig } from "./auth.ts";

/** The tenant `search` of `authConfig` as a Tenant and its ModelTasks, and the Secrets that it names. */

const [search] = authConfig.tenants;
const credentials: (Record<string, unknown> & { id: string })[] = search?.credentials ?? [];
const [login, rsOnly, shared, ...clients] = authConfig.issuers;

function credential({
  sha256,
  secret,
  token,
  certificate,
  ...rest
}: Record<string, unknown> & { id: string }) {
  if (sha256) return { ...rest, sha256: String(sha256).toLowerCase() };
  if (secret) return { ...rest, type: "hmac", secretRef: { name: "signer", key: "secret" } };
  if (token) return { ...rest, type: "token", ...token };
  return { ...rest, type: "certificate", subject: (certificate as { uri: string }).uri };
}

export const authTenant = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["search"],
    gateway: { name: "gw", namespace: "edge", hosts: ["*"] },
    apiKey: authConfig.apiKey,
    signature: authConfig.signature,
    revoked: authConfig.revoked,
    jwtIssuers: [
      { ...login, jwks: JSON.stringify(login?.jwks) },
      { ...rsOnly, audiences: ["models"], jwks: JSON.stringify(rsOnly?.jwks) },
      {
        issuer: shared?.issuer,
        audiences: shared?.audiences,
        jwks: JSON.stringify(shared?.jwks),
        claims: { tenant: shared?.tenantClaim, tasks: shared?.tasksClaim },
      },
      ...clients.map((each) => ({ ...each, jwks: JSON.stringify(each.jwks) })),
    ],
    credentials: credentials.map(credential),
    tasks: search?.tasks,
  },
};

export const authTasks = [
  { name: "ranking", taskid: "666" },
  ...authConfig.tasks.map(({ taskid, mode }) => ({ name: taskid, taskid, mode })),
].map(({ name, ...spec }) => ({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "ModelTask",
  metadata: { name, namespace: "search" },
  spec: { ...spec, tenant: "search", service: { name: "service" } },
}));

export const authSecret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "signer", namespace: "edge" },
  data: { secret: String(credentials.find(({ id }) => id === "signer")?.secret) },
};
