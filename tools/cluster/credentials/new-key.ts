import { Option } from "commander";
import { stringify } from "yaml";
import { sha256Hex } from "../../api/credential-digests.ts";
import type { Tenant } from "../../api/tenant.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { FIELD_MANAGER } from "../deploy/apply.ts";
import { MANAGED_BY, TENANT_LABEL } from "../istio/names.ts";
import { generateKey } from "./key.ts";

/** Key within the Secrets that are made here. */
const SECRET_KEY = "key";

export interface SecretOptions {
  secret?: string;
  namespace?: string;
  output?: "yaml" | "json";
}

export interface NewKey {
  key: string;
  /** How the Tenant knows it. */
  proof: { sha256: string } | { secretRef: { name: string; key: string } };
  /** Kubernetes Secret that holds it. */
  secret?: Manifest;
}

export function secretOptions(): Option[] {
  return [
    new Option("--secret <name>", "store the key in this Secret; with files the Secret is printed"),
    new Option("-n, --namespace <namespace>", "namespace of the Secret (default: the gateway's)"),
    new Option("-o, --output <format>", "print the key and its details").choices(["yaml", "json"]),
  ];
}

/**
 * Makes a key. That of an API key is known by its digest alone; that of signatures must be there to check
 * them, so it goes to a Secret in the gateway's namespace.
 * @throws Error for a Secret elsewhere
 */
export function newKey(tenant: Tenant, id: string, type: "apiKey" | "hmac", options: SecretOptions): NewKey {
  const key = generateKey();
  const own = tenant.spec.gateway.namespace;
  const namespace = options.namespace ?? own;
  const name = options.secret ?? (type === "hmac" ? secretName(tenant, id) : undefined);
  if (type === "hmac" && namespace !== own)
    throw new Error(`the Secret of a signing key must be in the gateway's namespace ${own}: leave -n out`);
  const secret = name === undefined ? undefined : secretManifest(tenant, name, namespace, key);
  const proof =
    type === "apiKey" ? { sha256: sha256Hex(key) } : { secretRef: { name: name as string, key: SECRET_KEY } };
  return { key, proof, ...(secret && { secret }) };
}

/** A DNS name for the Secret of a credential, whose id may hold more. */
function secretName({ metadata }: Tenant, id: string): string {
  return `${metadata.name}-${id}`
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 253);
}

function secretManifest(tenant: Tenant, name: string, namespace: string, key: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: { ...MANAGED_BY, [TENANT_LABEL]: tenant.metadata.name } },
    type: "Opaque",
    stringData: { [SECRET_KEY]: key },
  };
}

/** Keeps a new Secret in the cluster. @throws Error when there is one of this name */
export async function storeSecret(client: KubernetesClient, secret: Manifest): Promise<void> {
  const there = await client.get(secret).catch((error) => {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  });
  if (there) throw new Error(`${resourceName(secret)} is there already: choose another name with --secret`);
  await client.apply(secret, { fieldManager: FIELD_MANAGER });
}

/**
 * The one time that a key is shown, on stdout: within its Secret where that is left to the caller to apply,
 * else by itself.
 */
export function showKey(
  { key, secret }: NewKey,
  credential: { tenant: string; id: string; [field: string]: unknown },
  stored: boolean,
  output: SecretOptions["output"],
): void {
  const shown = secret && !stored ? secret : { ...credential, key };
  if (output === undefined && shown !== secret) process.stdout.write(`${key}\n`);
  else
    process.stdout.write(
      output === "json"
        ? `${JSON.stringify(shown, null, 2)}\n`
        : stringify(shown, { aliasDuplicateObjects: false }),
    );
  if (shown === secret)
    console.error(
      `${resourceName(secret)} on stdout holds the key, which is shown this once: kubectl apply -f - takes it`,
    );
  else console.error("the key is shown this once: hand it over safely");
}
