import { type Command, Option } from "commander";
import type { Tenant } from "../../api/tenant.ts";
import { storedResources } from "../../cluster/deploy/plan.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { Books } from "../../servers/budgets/books.ts";
import { openBudgetStore } from "../../servers/budgets/open-store.ts";
import type { BudgetStore } from "../../servers/budgets/store.ts";
import { fileOption, readUnchecked, recursiveOption } from "./resource-files.ts";

const NAMESPACE = "modelgate-system";

export interface BudgetOptions extends ConnectOptions {
  filename?: string[];
  recursive?: true;
  budgetStore?: string;
  storeNamespace: string;
}

export function budgetStoreOption(): Option {
  return new Option(
    "--budget-store <where>",
    "where the controller keeps what is spent of budgets: a folder, or postgres://... (password: PGPASSWORD or PGPASSFILE); default: ConfigMaps in its namespace",
  );
}

/** Adds the options that say where Tenants and their budgets are kept. */
export function withBudgetOptions(command: Command): Command {
  command
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(budgetStoreOption())
    .option("--store-namespace <name>", "namespace of the ConfigMaps", NAMESPACE);
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

/** Tenants, and the store of their budgets, which is to be closed. */
interface OpenBudgets {
  tenants: Tenant[];
  store: BudgetStore;
}

/** @throws Error for files or a cluster that can't be read */
export async function openBudgets(options: BudgetOptions): Promise<OpenBudgets> {
  const { filename, budgetStore, storeNamespace } = options;
  const client = filename === undefined || budgetStore === undefined ? await connect(options) : undefined;
  const resources =
    client && filename === undefined ? await storedResources(client) : await readUnchecked(options);
  const store = await openBudgetStore(budgetStore, client && { client, namespace: storeNamespace });
  return { tenants: resources.tenants.map(({ resource }) => resource), store };
}

/** @throws Error when there is no such Tenant */
export function tenantOf({ tenants }: OpenBudgets, name: string): Tenant {
  const found = tenants.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  const known = tenants.map(({ metadata }) => metadata.name).join(", ") || "none";
  throw new Error(`there is no Tenant ${JSON.stringify(name)} (known: ${known})`);
}

/** The tenant's ledger as it is stored. */
export function booksOf({ store }: OpenBudgets, { metadata, spec }: Tenant): Books {
  return new Books({ tenant: metadata.name, store }, spec.budgets);
}
