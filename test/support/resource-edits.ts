/** One edit of one field of a Tenant or ModelTask, as a mistake makes it. */
import fc from "fast-check";
import type { Written } from "./resource-arbitraries.ts";

export interface Edit {
  /** Which of the fields, as a share of all of them, so that it fits any resource. */
  place: number;
  /** What becomes of it; `absent` takes it away, `twice` puts an item of a list there again. */
  change: { value: unknown } | "absent" | "twice";
}

const VALUES = [
  ...[-1, 0, 0.0005, 0.5, 1.5, 3, 1e9 + 1, 2 ** 31, 2 ** 53, 1e300, 5e-324],
  ...["", " ", "a b", "é", "*", "*.", "*a", "A", "-", "a.b", "a:b", "1", "x".repeat(129), "y".repeat(2049)],
  ...["\n", "0".repeat(64), "taskid", "1ms", "0s", "https://a", "RS256", "v1", "/**/a", "mailto:a"],
  ...[true, false, null, [], {}, ["a"], ["a", "a"], { a: 1 }],
];

/** All edits of a field. */
export const CHANGES: Edit["change"][] = [...VALUES.map((value) => ({ value })), "absent", "twice"];

const PLACES = 1_000_000;

export const arbitraryEdit: fc.Arbitrary<Edit> = fc.record({
  place: fc.noBias(fc.nat(PLACES - 1)).map((place) => place / PLACES),
  change: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...VALUES).map((value) => ({ value })) },
    { weight: 1, arbitrary: fc.constant("absent" as const) },
    { weight: 1, arbitrary: fc.constant("twice" as const) },
  ),
});

/** The fields that the plug-in configuration may come from, each as `tenant` or `tasks` with an index, and the path there. */
export function placesIn({ tenant, tasks }: Written): PropertyKey[][] {
  return [
    ...pathsOf(tenant.spec, ["tenant", "spec"]),
    ...tasks.flatMap((task, index) => pathsOf(task.spec, ["tasks", index, "spec"])),
  ].filter((path) => !UNRELATED.test(path.join(".")));
}

/** Where the edit is to be. */
export function placeOf(written: Written, { place }: Edit): PropertyKey[] {
  const paths = placesIn(written);
  return paths[Math.floor(place * paths.length)] ?? ["tenant", "spec", "mode"];
}

/** What is Istio's, the model server's or, as budgets, the controller's: it is drawn, and no mistakes are made there. */
const UNRELATED =
  /^tenant\.spec\.(namespaces|budgets\b|gateway($|\.(?!tuning\.accessLog)))|^tasks\.\d+\.spec\.(tenant|service|versions|timeout|retries|warmUp|drain|workload|placement|autoscaling|loadBalancing|outlierDetection|connectionPool|matches|mirror|fault)\b/;

function pathsOf(value: unknown, at: PropertyKey[]): PropertyKey[][] {
  if (typeof value !== "object" || value === null) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, each]) => {
    const path = [...at, isList ? Number(key) : key];
    return [path, ...pathsOf(each, path)];
  });
}

/** Makes the edit in the object itself. @returns whether the place is there */
export function edit(target: object, path: PropertyKey[], change: Edit["change"]): boolean {
  let at = target as Record<PropertyKey, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== "object" || next === null) return false;
    at = next as Record<PropertyKey, unknown>;
  }
  const key = path.at(-1) as PropertyKey;
  if (change === "absent") {
    if (Array.isArray(at)) at.splice(Number(key), 1);
    else delete at[key];
  } else if (change === "twice") {
    if (Array.isArray(at)) at.push(at[Number(key)]);
    else if (Array.isArray(at[key])) at[key] = [...at[key], ...at[key]];
    else return false;
  } else at[key] = change.value;
  return true;
}
