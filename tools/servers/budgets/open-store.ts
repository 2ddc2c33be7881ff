import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { FileBudgetStore } from "./file-store.ts";
import { KubernetesBudgetStore } from "./kubernetes-store.ts";
import type { BudgetStore } from "./store.ts";

const POSTGRES = /^postgres(ql)?:\/\//;

/**
 * The store of budgets that `--budget-store` names: a folder, or PostgreSQL by its URL.
 * @param where undefined: the Kubernetes API
 * @param cluster where the Kubernetes API is, and the namespace there
 * @throws Error when it is the Kubernetes API and there is none
 */
export async function openBudgetStore(
  where: string | undefined,
  cluster: { client: KubernetesClient; namespace: string } | undefined,
): Promise<BudgetStore> {
  if (where === undefined) {
    if (cluster === undefined)
      throw new Error("--budget-store: say where budgets are kept: a folder, or postgres://...");
    return new KubernetesBudgetStore(cluster.client, cluster.namespace);
  }
  if (!POSTGRES.test(where)) return new FileBudgetStore(where);
  const { PostgresBudgetStore } = await import("./postgres-store.ts");
  return new PostgresBudgetStore(where);
}
