import type { Fault } from "./fault.ts";
import { nearest } from "./issue-message.ts";
import type { Loaded } from "./load.ts";
import type { ModelTask } from "./model-task.ts";
import type { Tenant } from "./tenant.ts";

/** Exempt credentials that the tenant has not. */
export function exemptFaults(tenants: Loaded<Tenant>[], tasks: Loaded<ModelTask>[]): Fault[] {
  const ids = new Map(
    tenants.map(({ resource: { metadata, spec } }) => [metadata.name, spec.credentials.map(({ id }) => id)]),
  );
  const unknown = (
    { fault }: Loaded,
    tenant: string,
    list: { exempt?: { credentials?: string[] | undefined } | undefined } | undefined,
    path: PropertyKey[],
  ): Fault[] =>
    (list?.exempt?.credentials ?? []).flatMap((id, index) => {
      const known = ids.get(tenant);
      if (!known || known.includes(id)) return [];
      const near = nearest(id, known);
      const hint = near === undefined ? "see spec.credentials of the Tenant" : `did you mean ${near}?`;
      const at = [...path, "exempt", "credentials", index];
      return [fault(at, `${JSON.stringify(id)} is no credential of Tenant ${tenant} (${hint})`)];
    });
  return [
    ...tenants.flatMap((loaded) => {
      const { metadata, spec } = loaded.resource;
      return [
        ...unknown(loaded, metadata.name, spec.limits, ["spec", "limits"]),
        ...spec.descriptors.flatMap((each, index) =>
          unknown(loaded, metadata.name, each, ["spec", "descriptors", index]),
        ),
      ];
    }),
    ...tasks.flatMap((loaded) =>
      unknown(loaded, loaded.resource.spec.tenant, loaded.resource.spec.limits, ["spec", "limits"]),
    ),
  ];
}
