import fc from "fast-check";
import { budget } from "../../tools/api/budget.ts";
import { arbitraryOf } from "./schema-arbitrary.ts";

type Drawn = Record<string, unknown> & { for?: Record<string, unknown> };

/** What a budget may name of its tenant. */
interface Known {
  credentials: string[];
  tasks: string[];
  /** Classes of priority. */
  classes: string[];
}

const drawn = arbitraryOf(budget, "spec.budgets[]", {
  "spec.budgets[].timeZone": fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata"),
  "spec.budgets[].money": fc.constantFrom("250 EUR", "0.000001 USD", "999999999.999999 JPY"),
  "spec.budgets[].warnAt": fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 4 }),
  "spec.budgets[].for.credentials": fc.constant(["c"]),
  "spec.budgets[].for.tasks": fc.constant(["t"]),
}) as fc.Arbitrary<Drawn>;

/** A budget, given its place in the list and what the tenant has. */
export const arbitraryBudget = drawn.map((budget) => (index: number, known: Known) => {
  const { for: scope, whenSpent, lowerTo, ...rest } = budget;
  const { credentials, tasks, ...each } = scope ?? {};
  return {
    ...{ ...rest, name: `b${index}` },
    ...(scope && {
      for: {
        ...each,
        ...(credentials !== undefined &&
          known.credentials.length > 0 && { credentials: [...new Set(known.credentials)] }),
        ...(tasks !== undefined && known.tasks.length > 0 && { tasks: known.tasks }),
      },
    }),
    ...(whenSpent !== undefined && { whenSpent: known.classes.length > 0 ? whenSpent : "refuse" }),
    ...(lowerTo !== undefined &&
      whenSpent === "lower" &&
      known.classes.length > 0 && { lowerTo: known.classes[0] }),
  };
});
