/** What a dashboard is about; each one leads to the next. */
export type Scope = "fleet" | "tenant" | "task";
export const SCOPES: Scope[] = ["fleet", "tenant", "task"];

/** Labels that a scope is chosen by. */
export function labelsOf(scope: Scope): string[] {
  return { fleet: [], tenant: ["tenant"], task: ["tenant", "taskid"] }[scope];
}

/** What a scope is split by. */
export function partsOf(scope: Scope): string[] {
  return { fleet: ["tenant"], tenant: ["taskid"], task: ["version", "gateway"] }[scope];
}

export function titleOf(scope: Scope): string {
  return `${scope[0]?.toUpperCase()}${scope.slice(1)}`;
}
