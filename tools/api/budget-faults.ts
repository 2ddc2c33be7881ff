import type { Budget } from "./budget.ts";
import type { Fault } from "./fault.ts";
import { nearest } from "./issue-message.ts";
import type { Loaded } from "./load.ts";
import type { ModelTask } from "./model-task.ts";
import type { Tenant } from "./tenant.ts";

/** Faults between the budgets of a tenant and its credentials, tasks and classes of priority. */
export function budgetFaults({ resource, fault }: Loaded<Tenant>, tasks: Loaded<ModelTask>[]): Fault[] {
  const { budgets, credentials } = resource.spec;
  const ids = credentials.map(({ id }) => id);
  const own = tasks.flatMap(({ resource: { spec } }) =>
    spec.tenant === resource.metadata.name ? [spec.taskid] : [],
  );
  return budgets.flatMap((budget, index) => {
    const at = (...path: PropertyKey[]) => ["spec", "budgets", index, ...path];
    const unknown = (field: "credentials" | "tasks", known: string[], what: string) =>
      (budget.for[field] ?? []).flatMap((name, place) =>
        known.includes(name) ? [] : [fault(at("for", field, place), unknownText(name, known, what))],
      );
    return [
      ...unknown("credentials", ids, "credential"),
      ...unknown("tasks", own, "task"),
      ...loweringFaults(budget, resource).map((text) => fault(at("whenSpent"), text)),
      ...unknownClasses(budget, resource).map((text) => fault(at("lowerTo"), text)),
    ];
  });
}

function unknownText(name: string, known: string[], what: string): string {
  const near = nearest(name, known);
  const hint =
    near !== undefined ? `did you mean ${near}?` : `it has ${known.join(", ").slice(0, 200) || "none"}`;
  return `${JSON.stringify(name)} is no ${what} of this tenant (${hint})`;
}

function loweringFaults({ whenSpent }: Budget, { spec }: Tenant): string[] {
  if (whenSpent === "refuse" || spec.priorities !== undefined) return [];
  return ["lower needs spec.priorities, which says what classes there are: add it, or take refuse"];
}

function unknownClasses({ lowerTo }: Budget, { spec }: Tenant): string[] {
  const classes = spec.priorities?.classes.map(({ name }) => name);
  if (lowerTo === undefined || classes === undefined || classes.includes(lowerTo)) return [];
  return [`${JSON.stringify(lowerTo)} is no class of spec.priorities (it has ${classes.join(", ")})`];
}
