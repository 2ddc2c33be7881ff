/** A change of a resource, by the path of the list or object that it touches. */
export type Change =
  | { append: unknown; to: PropertyKey[] }
  | {
      set: unknown;
      field: string;
      of: PropertyKey[] /** The field that it takes the place of. */;
      insteadOf?: string;
    };

/** The object with the changes in it; lists that are not there are made. The object itself stays as it is. */
export function changed<T>(object: T, changes: Change[]): T {
  const copy = structuredClone(object);
  for (const change of changes) {
    if ("append" in change) {
      const field = change.to.at(-1) as string;
      const parent = at(copy, change.to.slice(0, -1));
      parent[field] = [
        ...((parent[field] as unknown[] | null | undefined) ?? []),
        structuredClone(change.append),
      ];
    } else {
      const parent = at(copy, change.of);
      if (change.insteadOf !== undefined) delete parent[change.insteadOf];
      parent[change.field] = change.set;
    }
  }
  return copy;
}

function at(object: unknown, path: PropertyKey[]): Record<string, unknown> {
  let node = object;
  for (const key of path) node = (node as Record<PropertyKey, unknown>)[key];
  return node as Record<string, unknown>;
}
