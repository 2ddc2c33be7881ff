import { z } from "zod";

/**
 * What is kept of a tenant's budgets, as JSON. Amounts are tokens, or micro-units of a currency: whole
 * numbers. Times are milliseconds since 1970-01-01T00:00Z.
 */

const amount = z.int();
const total = z.int().min(0);
const time = z.int();

const lease = z.object({
  /** The gateway process that has it. */
  holder: z.string(),
  /** All that it was ever given by this lease; */
  granted: total,
  /** of this, what it said that it spent, which may be more; */
  spent: total,
  /** and what it gave back. */
  returned: total,
  /** What it last said that it wants to have in hand. */
  wanted: total,
  /** Of a lease of an earlier period: when that began. */
  period: time.optional(),
});

const entry = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("period"),
    start: time,
    end: time,
    /**
     * The whole, what was added to it, what was spent, and what gateways had that were not heard of again.
     */
    amount: total,
    added: amount,
    spent: total,
    unknown: total,
  }),
  z.object({
    kind: z.literal("topUp"),
    /** Of the command that did it: what is there is not done again. */
    id: z.string(),
    at: time,
    amount,
    reason: z.string(),
  }),
  z.object({
    kind: z.literal("reset"),
    id: z.string(),
    at: time,
    spent: total,
    unknown: total,
    reason: z.string(),
  }),
]);

const account = z.object({
  start: time,
  end: time,
  /** The whole, as the Tenant said it last. */
  amount: total,
  /** Topped up in this period. */
  added: amount,
  /** Said by gateways to be spent in this period. */
  spent: total,
  /** What gateways had in hand that are gone: it counts as spent. */
  unknown: total,
  /** Percentage of which was warned last in this period. */
  warned: z.int().min(0).max(100),
  /** Open leases, and those of earlier periods that may still be reported, by number. */
  leases: z.record(z.string(), lease),
  /** The latest last. */
  history: z.array(entry),
});

export const budgetState = z.object({
  version: z.literal(1),
  /** Numbers of leases are given once. */
  nextLease: z.int().min(1),
  /** By name of the budget, and credential or task where each has its own: `monthly`, `monthly/alice`. */
  accounts: z.record(z.string(), account),
});

export type Lease = z.output<typeof lease>;
export type HistoryEntry = z.output<typeof entry>;
export type Account = z.output<typeof account>;
export type BudgetState = z.output<typeof budgetState>;

export const EMPTY: BudgetState = { version: 1, nextLease: 1, accounts: {} };

/** What a gateway has in hand of a lease, as far as it said: this counts as used. */
export function outstanding({ granted, spent, returned }: Lease): number {
  return Math.max(0, granted - spent - returned);
}

/** Is it of the present period? */
export function isOpen(lease: Lease): boolean {
  return lease.period === undefined;
}

/**
 * What is neither spent nor unknown, with what gateways have in hand. Below 0: more was spent than there is.
 */
export function remaining({ amount, added, spent, unknown }: Account): number {
  return amount + added - spent - unknown;
}

/** Percent of an account that are used, rounded down; of nothing all is. */
export function usedPercent({ amount, added, spent, unknown }: Account): number {
  const whole = amount + added;
  return whole <= 0 ? 100 : Math.floor(((spent + unknown) / whole) * 100);
}
