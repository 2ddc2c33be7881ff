import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { byKind, crossFaults } from "../../api/cross-check.ts";
import { InvalidResources } from "../../api/fault.ts";
import { parseResources } from "../../api/load.ts";
import { readSources } from "../../api/read.ts";
import type { Tenant } from "../../api/tenant.ts";
import { lookupIn, secretsOfFiles } from "../deploy/secrets.ts";
import { unsealed } from "../istio/seal.ts";
import type { SecretLookup } from "../istio/secret-lookup.ts";
import { type TenantAuthConfig, tenantAuthConfig } from "../istio/tenant-auth-config.ts";
import { chooseTenant } from "./tenant-store.ts";

export interface VerifyConfigOptions {
  config: string[];
  tenant?: string;
  host?: string;
  secrets?: string[];
  jwks?: string;
}

interface VerifyConfig {
  tenantAuth: TenantAuthConfig;
  /** Host to call where none is named. */
  host?: string;
  /** What the files lack, and what that means. */
  notes: string[];
}

/**
 * Configuration of tenant-auth from files: Tenants and ModelTasks, or a plug-in configuration, by itself or
 * in a WasmPlugin.
 * @throws InvalidResources, Error that says which tenants there are
 */
export async function readVerifyConfig(options: VerifyConfigOptions): Promise<VerifyConfig> {
  const sources = await readSources(options.config);
  const plugins = sources.flatMap(({ text }) =>
    parseAllDocuments(text).flatMap((each) => pluginConfig(each.toJS())),
  );
  const read =
    plugins.length > 0 ? choosePlugin(plugins, options.tenant) : await fromResources(sources, options);
  return options.jwks === undefined ? read : withKeys(read, options.jwks);
}

function pluginConfig(object: unknown): TenantAuthConfig[] {
  const { tenantAuth, pluginConfig, spec } = (object ?? {}) as Record<
    string,
    Record<string, unknown> | undefined
  >;
  const found = tenantAuth ?? pluginConfig?.tenantAuth ?? (spec?.pluginConfig as typeof spec)?.tenantAuth;
  return found ? [found as unknown as TenantAuthConfig] : [];
}

function choosePlugin(plugins: TenantAuthConfig[], tenant: string | undefined): VerifyConfig {
  const names = plugins.map(({ tenants = [] }) => tenants.map((each) => each.tenant));
  const fitting = plugins.filter((_, index) => tenant === undefined || names[index]?.includes(tenant));
  const [found] = fitting;
  if (!found || fitting.length > 1)
    throw new Error(
      `name a tenant of the configurations with --tenant: there are ${names.flat().join(", ")}`,
    );
  return { tenantAuth: found, notes: [] };
}

async function fromResources(
  sources: { file: string; text: string }[],
  options: VerifyConfigOptions,
): Promise<VerifyConfig> {
  const { resources, faults } = parseResources(sources);
  const { tenants, tasks } = byKind(resources);
  const all = faults.length > 0 ? faults : crossFaults({ tenants, tasks });
  if (all.length > 0) throw new InvalidResources(all);
  const tenant = chooseTenant(
    { tenants },
    options.tenant ?? tenants.find(({ resource }) => answers(resource, options.host))?.resource.metadata.name,
  );
  const notes: string[] = [];
  const [first = ""] = tenant.spec.gateway.hosts;
  const own = tasks.filter(({ resource }) => resource.spec.tenant === tenant.metadata.name);
  const tenantAuth = tenantAuthConfig(
    unsealed(tenant),
    own.map(({ resource }) => resource),
    lenient(lookupIn(await secretsOfFiles(options.secrets ?? [])), notes),
  );
  return { tenantAuth, host: first.replace(/^\*\.?/, "any."), notes };
}

/** Whether a tenant's gateway answers for a host. */
function answers({ spec }: Tenant, host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, "").toLowerCase();
  return spec.gateway.hosts.some((each) =>
    each.startsWith("*") ? name?.endsWith(each.slice(1)) : each === name,
  );
}

/**
 * Stands in for a key that is not known: requests that need it are refused, others are not affected.
 */
function lenient(lookup: SecretLookup, notes: string[]): SecretLookup {
  return (namespace, name, key) => {
    const known = lookup(namespace, name, key);
    if (known) return known;
    notes.push(`the key in Secret ${namespace}/${name} is not known: give its file by --secrets to check it`);
    return randomBytes(32);
  };
}

async function withKeys(read: VerifyConfig, file: string): Promise<VerifyConfig> {
  let jwks: object;
  try {
    jwks = JSON.parse(await readFile(file, "utf8")) as object;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const issuers = read.tenantAuth.issuers?.map(({ remoteJwks, ...issuer }) =>
    remoteJwks ? { ...issuer, jwks } : issuer,
  );
  return { ...read, tenantAuth: { ...read.tenantAuth, ...(issuers && { issuers }) } };
}
