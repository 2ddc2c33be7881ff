import { createHash } from "node:crypto";
import type { Credential, Permission } from "../../api/credential.ts";
import { durationMilliseconds } from "../../api/fields.ts";
import type { JwtIssuer } from "../../api/jwt-issuer.ts";
import { hasConverter, type ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { corsConfig } from "./cors-config.ts";
import { hasServerKey, type LanguageModelConfig, languageModelsConfig } from "./language-models-config.ts";
import { namespaceOf, serviceCluster } from "./names.ts";
import { sealedOrClear } from "./seal.ts";
import type { SecretLookup } from "./secret-lookup.ts";

/** Configuration of the stage tenant-auth, as filters/tenant-auth/read-config.ts reads it. */
export interface TenantAuthConfig {
  mode?: string;
  apiKey?: object;
  cors?: object;
  publicPaths?: object[];
  signature?: object;
  languageModels?: LanguageModelConfig[];
  removeCredentials?: boolean;
  tenantHeader?: string;
  revoked?: string[];
  issuers?: IssuerConfig[];
  tasks?: { taskid: string; mode: string }[];
  tenants: { tenant: string; mode?: string; credentials: CredentialConfig[]; tasks: GrantConfig[] }[];
}

interface IssuerConfig {
  issuer: string;
  jwks?: object;
  remoteJwks?: object;
  [field: string]: unknown;
}

export interface CredentialConfig {
  id: string;
  sha256?: string;
  /** Shared key of request signatures, base64. */
  secret?: string;
  /** The same, sealed: see seal.ts. */
  sealedSecret?: string;
  token?: { issuer: string; subject?: string };
  certificate?: Partial<Record<"uri" | "dns" | "subject" | "sha256", string>>;
  tasks?: GrantConfig[];
  [field: string]: unknown;
}

export interface GrantConfig {
  task: string;
  versions?: string[];
  inspect?: boolean;
}

/**
 * What tenant-auth must know of a tenant and its tasks. The tenant's mode is that of the whole gateway, so
 * that it holds for callers too that nobody knows; a task's own mode goes before it.
 * @param clusterOf Envoy's name for where a task is served; default: Istio's
 * @throws Error for a Secret that `secrets` does not know
 */
export function tenantAuthConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  secrets: SecretLookup,
  clusterOf: (task: ModelTask) => string = taskCluster,
): TenantAuthConfig {
  const { mode, apiKey, signature, tenantHeader, revoked, jwtIssuers, credentials, publicPaths } =
    tenant.spec;
  const modes = tasks.flatMap(({ spec: { taskid, mode } }) => (mode === undefined ? [] : [{ taskid, mode }]));
  const cors = corsConfig(tenant, tasks);
  const models = languageModelsConfig(tenant, tasks, secrets, clusterOf);
  return {
    ...(mode !== "enforce" && { mode }),
    ...(apiKey && { apiKey: defined(apiKey) }),
    ...(signature && { signature: defined(signature) }),
    ...(cors && { cors }),
    ...(publicPaths.length > 0 && { publicPaths: publicPathsOf(tenant, tasks, clusterOf) }),
    ...(models.length > 0 && { languageModels: models }),
    ...(!tasks.some(hasConverter) && !tasks.some(hasServerKey) && { removeCredentials: false }),
    ...(tenantHeader !== undefined && { tenantHeader }),
    ...(revoked.length > 0 && { revoked }),
    ...(jwtIssuers.length > 0 && { issuers: jwtIssuers.map(issuer) }),
    ...(modes.length > 0 && { tasks: modes }),
    tenants: [
      {
        tenant: tenant.metadata.name,
        credentials: credentials
          .filter(isServed)
          .map((credential) => credentialConfig(tenant, credential, secrets)),
        tasks: tenant.spec.tasks.map(grant),
      },
    ],
  };
}

function taskCluster({ metadata, spec: { service } }: ModelTask): string {
  return serviceCluster({ namespace: namespaceOf(metadata), service: service.name, port: service.port });
}

function publicPathsOf(
  { spec }: Tenant,
  tasks: ModelTask[],
  clusterOf: (task: ModelTask) => string,
): object[] {
  return spec.publicPaths.map(({ path, task, gateway }) => {
    const named = tasks.find(({ spec }) => spec.taskid === task);
    return defined({ path, task, cluster: named && clusterOf(named), gateway });
  });
}

/** Headers that may hold a credential. */
export function credentialHeaders({ spec }: Tenant): string[] {
  return ["authorization", ...(spec.apiKey?.headers ?? ["x-api-key"])];
}

/**
 * Those that the gateway's routes remove, in front of which converters, as filters, are: `authorization` not
 * where the filter puts a model server's own key in its place.
 */
export function removedHeaders(tenant: Tenant, tasks: ModelTask[]): string[] {
  const names = credentialHeaders(tenant);
  return tasks.some(hasServerKey) ? names.filter((name) => name !== "authorization") : names;
}

/** A credential that is switched off needs its Secret no longer, so the filter does not get to know it. */
export function isServed({ enabled, secretRef }: Credential): boolean {
  return enabled || secretRef === undefined;
}

function credentialConfig(tenant: Tenant, credential: Credential, secrets: SecretLookup): CredentialConfig {
  const { id, enabled, notBefore, notAfter, methods = [], hosts = [], tasks } = credential;
  return {
    id,
    ...proof(tenant, credential, secrets),
    ...(!enabled && { enabled }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
    ...(methods.length > 0 && { methods }),
    ...(hosts.length > 0 && !hosts.includes("*") && { hosts }),
    ...(tasks && { tasks: tasks.map(grant) }),
  };
}

function proof(tenant: Tenant, credential: Credential, secrets: SecretLookup): Omit<CredentialConfig, "id"> {
  const { type, sha256, issuer = "", subject } = credential;
  switch (type) {
    case "token":
      return { token: { issuer, ...(subject !== undefined && { subject }) } };
    case "certificate":
      return { certificate: sha256 !== undefined ? { sha256 } : certificateName(subject ?? "") };
    case "hmac":
      return hmacSecret(tenant, credential, secrets);
    case "apiKey":
      if (sha256 !== undefined) return { sha256 };
      return {
        sha256: createHash("sha256")
          .update(secretOf(tenant, credential, secrets))
          .digest("hex"),
      };
  }
}

/** @throws Error for a Secret that `secrets` does not know, and for a sealing key that is none */
function hmacSecret(
  tenant: Tenant,
  credential: Credential,
  secrets: SecretLookup,
): Omit<CredentialConfig, "id"> {
  const secret = secretOf(tenant, credential, secrets);
  const made = sealedOrClear(tenant, secrets, `${tenant.metadata.name}/${credential.id}`, secret);
  if ("sealed" in made) return { sealedSecret: made.sealed };
  return { secret: Buffer.from(made.clear).toString("base64") };
}

function secretOf({ metadata, spec }: Tenant, { id, secretRef }: Credential, secrets: SecretLookup) {
  const { name = "", key = "" } = secretRef ?? {};
  const value = secrets(spec.gateway.namespace, name, key);
  if (value) return value;
  throw new Error(
    `Tenant ${metadata.name}: credential ${id}: key ${key} of Secret ${spec.gateway.namespace}/${name} is not known`,
  );
}

/** What a certificate's name is: a URI has a scheme, a subject has attributes, a DNS name has neither. */
function certificateName(name: string): { uri: string } | { subject: string } | { dns: string } {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return { uri: name };
  return name.includes("=") ? { subject: name } : { dns: name };
}

function grant({ task, versions = [], inspect = false }: Permission): GrantConfig {
  return { task, ...(versions.length > 0 && { versions }), ...(inspect && { inspect }) };
}

function issuer(issuer: JwtIssuer): IssuerConfig {
  const { audiences, clientIds, jwks, jwksUri, cluster, claims, algorithms, leewaySeconds, requireExpiry } =
    issuer;
  return {
    issuer: issuer.issuer,
    ...(audiences && { audiences }),
    ...(clientIds && { clientIds }),
    ...(jwks !== undefined && { jwks: JSON.parse(jwks) }),
    ...(jwksUri !== undefined && {
      remoteJwks: { cluster, ...addressOf(jwksUri), refreshSeconds: refreshSeconds(issuer) },
    }),
    ...(algorithms && { algorithms }),
    leewaySeconds,
    ...(!requireExpiry && { requireExpiry }),
    ...(claims.credential !== "sub" && { subjectClaim: claims.credential }),
    ...(claims.tenant !== undefined && { tenantClaim: claims.tenant }),
    ...(claims.tasks !== undefined && { tasksClaim: claims.tasks }),
  };
}

function addressOf(uri: string): { authority: string; path: string } {
  const { host, pathname, search } = new URL(uri);
  return { authority: host, path: pathname + search };
}

function refreshSeconds({ refresh }: JwtIssuer): number {
  return Math.max(1, Math.round(durationMilliseconds(refresh) / 1000));
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
