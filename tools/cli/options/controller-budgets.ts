import { watch } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { API_VERSION } from "../../api/fields.ts";
import { readPrices } from "../../api/prices.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { Budgets } from "../../servers/budgets/budgets.ts";
import type { Warning } from "../../servers/budgets/ledger.ts";
import { openBudgetStore } from "../../servers/budgets/open-store.ts";
import { sendEvent } from "../../servers/operator/status.ts";

/** Of a file that is replaced, several changes are told. */
const SETTLE_MS = 100;

interface Options {
  budgetStore?: string;
  leaseNamespace?: string;
  prices?: string;
}

/**
 * The budgets of a controller, with the price table.
 * @param client undefined: it runs without Kubernetes
 * @returns undefined when it is not said where to keep them
 * @throws Error for a price table that is at fault
 */
export async function controllerBudgets(
  { budgetStore, leaseNamespace, prices }: Options,
  client: KubernetesClient | undefined,
  log: Logger,
): Promise<Budgets | undefined> {
  if (budgetStore === undefined && client === undefined) return undefined;
  const namespace = leaseNamespace ?? process.env.POD_NAMESPACE ?? "modelgate-system";
  const store = await openBudgetStore(budgetStore, client && { client, namespace });
  const budgets = new Budgets({ store, log });
  if (prices !== undefined) budgets.setPrices(await readPrices(prices));
  if (client !== undefined)
    budgets.watch((tenant, warning) => {
      tell(client, tenant, warning).catch((err) =>
        log.warn({ err, tenant }, "the Event of a budget can't be sent"),
      );
    });
  return budgets;
}

/** An Event on the Tenant. */
async function tell(client: KubernetesClient, tenant: string, warning: Warning): Promise<void> {
  const { account, percent, spent, limit } = warning;
  const object = await client.get({ apiVersion: API_VERSION, kind: "Tenant", metadata: { name: tenant } });
  await sendEvent(client, object, {
    status: "False",
    reason: percent >= 100 ? "BudgetSpent" : "BudgetWarning",
    message: `budget ${account}: ${percent} % are spent (${spent} of ${limit})`,
  });
}

/** Reads the price table again when its file changes; one that is at fault is logged, and the last holds. */
export function followPrices(
  budgets: Budgets | undefined,
  file: string | undefined,
  log: Logger,
): () => void {
  if (budgets === undefined || file === undefined) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const reload = async () => {
    try {
      budgets.setPrices(await readPrices(file));
      log.info({ file }, "prices read");
    } catch (error) {
      log.error({ faults: String(error) }, "the price table is at fault; the one before stays in force");
    }
  };
  // Its folder is watched, as editors and ConfigMaps replace files rather than write them.
  const watcher = watch(dirname(file), () => {
    clearTimeout(timer);
    timer = setTimeout(reload, SETTLE_MS);
  });
  watcher.on("error", (err) => log.warn({ file, err }, "the price table can't be watched any more"));
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
