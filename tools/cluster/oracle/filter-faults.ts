import { createHash } from "node:crypto";
import type { Resources } from "../../api/cross-check.ts";
import { type Fault, InvalidResources } from "../../api/fault.ts";
import type { Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { pluginConfig } from "../istio/plugin-config.ts";
import { unsealed } from "../istio/seal.ts";
import type { SecretLookup } from "../istio/secret-lookup.ts";
import { Filter } from "./filter.ts";
import type { Refusal } from "./refusals.ts";
import { resourceField } from "./resource-field.ts";

/**
 * Stands for Secrets where there are none to read: each another, of the length that a key of a signature
 * needs.
 */
export const placeholderSecrets: SecretLookup = (namespace, name, key) =>
  Buffer.from(createHash("sha256").update(`${namespace}\n${name}\n${key}`).digest("hex"));

/** One for the process: its VM is started for the first configuration. */
let shared: Filter | undefined;

/** @throws InvalidResources with what `filterFaults` finds; Error when the filter's module is not there */
export function checkWithFilter(resources: Resources, secrets?: SecretLookup): void {
  const faults = filterFaults(resources, secrets);
  if (faults.length > 0) throw new InvalidResources(faults);
}

/**
 * What the filter itself has against the plug-in configurations of tenants, each at the field that it comes
 * from. The resources have passed the schema and the cross-checks.
 * @throws Error when the filter's module is not there
 */
export function filterFaults({ tenants, tasks }: Resources, secrets = placeholderSecrets): Fault[] {
  const byTenant = Map.groupBy(tasks, ({ resource }) => resource.spec.tenant);
  return tenants.flatMap((tenant) =>
    faultsOfTenant(tenant, byTenant.get(tenant.resource.metadata.name) ?? [], secrets),
  );
}

function faultsOfTenant(tenant: Loaded<Tenant>, tasks: Loaded<ModelTask>[], secrets: SecretLookup): Fault[] {
  const refusals = refusalsOf(tenant, tasks, secrets);
  const resources = tasks.map(({ resource }) => resource);
  return refusals.map((refusal) => {
    const field = resourceField(tenant.resource, resources, refusal.path);
    if (!field) return faultWithoutField(tenant, tasks, secrets, refusal);
    const owner = field.task === undefined ? tenant : (tasks[field.task] ?? tenant);
    return owner.fault(field.path, `the filter refuses it: ${refusal.message}`);
  });
}

/**
 * The filter names no field of a resource: the first task without which it takes the configuration is at
 * fault.
 */
function faultWithoutField(
  tenant: Loaded<Tenant>,
  tasks: Loaded<ModelTask>[],
  secrets: SecretLookup,
  { message }: Refusal,
): Fault {
  const isRefused = (some: Loaded<ModelTask>[]) => refusalsOf(tenant, some, secrets).length > 0;
  const text = `the filter refuses the configuration: ${message}`;
  if (isRefused([])) return tenant.fault(["spec"], text);
  // The shortest beginning of the list that is refused ends with a task at fault.
  let [accepted, refused] = [0, tasks.length];
  while (refused - accepted > 1) {
    const middle = (accepted + refused) >> 1;
    if (isRefused(tasks.slice(0, middle))) refused = middle;
    else accepted = middle;
  }
  return (tasks[refused - 1] ?? tenant).fault(["spec"], text);
}

function refusalsOf(
  { resource }: Loaded<Tenant>,
  tasks: Loaded<ModelTask>[],
  secrets: SecretLookup,
): Refusal[] {
  shared ??= new Filter();
  const own = tasks.map((task) => task.resource);
  return shared.refusals(pluginConfig(unsealed(resource), own, secrets));
}
