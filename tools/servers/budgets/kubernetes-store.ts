import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { BudgetState } from "./state.ts";
import { BudgetConflict, type BudgetStore, parseState, type Stored } from "./store.ts";

const FIELD_MANAGER = "modelgate-budgets";
const KEY = "budgets.json";
/** What a ConfigMap holds, 1 MiB (ConfigMap in core/v1), less what else is in it. */
const MOST_BYTES = 1_000_000;

/**
 * Budgets in the Kubernetes API: a ConfigMap of each tenant, replaced by its resourceVersion. Room for some
 * thousand accounts of a tenant; more are for PostgreSQL.
 */
export class KubernetesBudgetStore implements BudgetStore {
  readonly name: string;
  private readonly client: KubernetesClient;
  private readonly namespace: string;

  /** @param namespace of the ConfigMaps */
  constructor(client: KubernetesClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
    this.name = `ConfigMaps in ${namespace}`;
  }

  async load(tenant: string): Promise<Stored | undefined> {
    let found: Manifest;
    try {
      found = await this.client.get(this.object(tenant));
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
    const { [KEY]: text = "" } = (found.data ?? {}) as Record<string, string>;
    const state = parseState(text, `ConfigMap ${this.namespace}/${found.metadata.name}`);
    return { state, revision: String(found.metadata.resourceVersion) };
  }

  async commit(tenant: string, state: BudgetState, revision: string | undefined): Promise<string> {
    const text = JSON.stringify(state);
    if (text.length > MOST_BYTES)
      throw new Error(
        `the budgets of Tenant ${tenant} have ${text.length} bytes, more than a ConfigMap holds: use --budget-store with PostgreSQL`,
      );
    const data = { [KEY]: text };
    const object = this.object(tenant);
    const made =
      revision === undefined
        ? await this.client.create({ ...object, data }, { fieldManager: FIELD_MANAGER })
        : await this.replace(tenant, { metadata: { resourceVersion: revision }, data });
    if (made === undefined) throw new BudgetConflict(tenant);
    return String(made.metadata.resourceVersion);
  }

  async close(): Promise<void> {}

  private async replace(tenant: string, patch: object): Promise<Manifest | undefined> {
    try {
      return await this.client.update(this.object(tenant), patch, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      // Changed (409), or removed (404) by hand.
      if (error instanceof ApiError && (error.code === 409 || error.code === 404)) return undefined;
      throw error;
    }
  }

  private object(tenant: string): Manifest {
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: `modelgate-budgets-${tenant}`,
        namespace: this.namespace,
        labels: { "app.kubernetes.io/part-of": "modelgate", "modelgate.dev/tenant": tenant },
      },
    };
  }
}
