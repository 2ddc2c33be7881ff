import { type Change, changed } from "../../api/change.ts";
import { byKind, crossFaults } from "../../api/cross-check.ts";
import { editedText, locate, writeWhole } from "../../api/edit-file.ts";
import { InvalidResources } from "../../api/fault.ts";
import { type Loaded, parseResources } from "../../api/load.ts";
import { readSources, type SourceText } from "../../api/read.ts";
import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type ConnectOptions, connect } from "../../lib/kubernetes/connect.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { FIELD_MANAGER } from "../deploy/apply.ts";
import { storedResources } from "../deploy/plan.ts";

/** Where Tenants are kept: files, or a cluster. */
export interface TenantStore {
  tenants: Loaded<Tenant>[];
  /** The cluster; undefined for files. */
  client?: KubernetesClient;
  /** Name of the place where a tenant is, for messages. */
  placeOf(tenant: string): string;
  /**
   * Writes changes of a tenant, having checked what comes out.
   * @param dryRun check only: here, or in the API server
   * @throws InvalidResources, ApiError; Error when somebody else changed the tenant meanwhile
   */
  change(tenant: string, changes: Change[], dryRun: DryRun): Promise<void>;
}

export const DRY_RUNS = ["none", "client", "server"] as const;
export type DryRun = (typeof DRY_RUNS)[number];

export interface StoreOptions extends ConnectOptions {
  filename?: string[];
  recursive?: true;
  tenant?: string;
}

/** The files of `-f`; without, the cluster. */
export async function openStore(options: StoreOptions): Promise<TenantStore> {
  if (options.filename) return openFiles(options.filename, options.recursive ?? false);
  return openCluster(await connect(options));
}

/** The tenant that was asked for. @throws Error if there is none, or several and none is named */
export function chooseTenant({ tenants }: Pick<TenantStore, "tenants">, name: string | undefined): Tenant {
  const names = tenants.map(({ resource }) => resource.metadata.name);
  const [first] = tenants;
  if (!first) throw new Error("there is no Tenant here: name its file with -f");
  if (name === undefined && tenants.length > 1)
    throw new Error(`name the tenant with --tenant: there are ${names.join(", ")}`);
  const found = name === undefined ? first : tenants.find(({ resource }) => resource.metadata.name === name);
  if (!found)
    throw new Error(`there is no Tenant ${JSON.stringify(name)} here (there is ${names.join(", ")})`);
  return found.resource;
}

async function openFiles(paths: string[], recursive: boolean): Promise<TenantStore> {
  const sources = await readSources(paths, { recursive });
  const { tenants } = check(sources);
  return {
    tenants,
    placeOf: (tenant) => locate(sources, "Tenant", tenant).source.file,
    async change(tenant, changes, dryRun) {
      if (dryRun === "server") throw new Error("--dry-run=server is for Tenants in a cluster: leave -f out");
      const { source, root } = locate(sources, "Tenant", tenant);
      if (source.file === "stdin") throw new Error("stdin can't be edited: name a file with -f");
      const text = editedText(source, root, changes);
      check(sources.map((each) => (each === source ? { ...source, text } : each)));
      if (dryRun === "none") await writeWhole(source.file, text);
    },
  };
}

function check(sources: SourceText[]) {
  const { resources, faults } = parseResources(sources);
  const kinds = byKind(resources);
  const all = faults.length > 0 ? faults : crossFaults({ tenants: kinds.tenants, tasks: [] });
  if (all.length > 0) throw new InvalidResources(all);
  return kinds;
}

async function openCluster(client: KubernetesClient): Promise<TenantStore> {
  const { tenants, objects, installed } = await storedResources(client);
  if (!installed)
    throw new Error(
      "the cluster has no custom resources of Modelgate: apply manifests/crds, or name files with -f",
    );
  return {
    tenants,
    client,
    placeOf: () => "the cluster",
    async change(tenant, changes, dryRun) {
      const object = objects.find(({ kind, metadata }) => kind === "Tenant" && metadata.name === tenant);
      if (!object) throw new Error(`there is no Tenant ${JSON.stringify(tenant)} in the cluster`);
      const after = changed(object, changes) as Manifest & { spec: Record<string, unknown> };
      check([{ file: "cluster", text: JSON.stringify(after) }]);
      if (dryRun === "client") return;
      const { credentials, revoked } = after.spec;
      const { resourceVersion } = object.metadata;
      await client.update(
        object,
        { metadata: { resourceVersion }, spec: { credentials, revoked } },
        { fieldManager: FIELD_MANAGER, dryRun: dryRun === "server" },
      );
    },
  };
}
