/**
 * Budgets in the limits protocol (tools/servers/controller/protocol.ts): a field `budgets` of report and
 * reply. A gateway that sends none is told nothing of budgets; a controller that knows none ignores the
 * field, and the gateway gets no leases.
 *
 * Amounts are whole tokens, or micro-units of the price table's currency. A gateway process, told apart by
 * `incarnation`, spends only from leases. `granted`, `spent` and `returned` are sums since a lease began, so
 * that reports and replies may be lost or come twice: of each the larger holds. What the gateway may still
 * spend is granted - spent - returned, less what requests under way reserved, until the period ends.
 * Spend that a reply acknowledges is stored. A lease of a number that the gateway does not have takes the
 * place of the one it has, which it reports until it is acknowledged with `final`.
 */
import { z } from "zod";
import type { PriceList } from "../../api/prices.ts";
import type { AccountReply } from "./ledger.ts";

const amount = z.int().min(0);

const lease = z.object({
  id: z.int().min(1),
  spent: amount.describe("All that was spent from it."),
  returned: amount.default(0).describe("All that was given back of it."),
  final: z.boolean().default(false).describe("No request is under way that reserved of it: close it."),
});

export const budgetsReport = z.object({
  incarnation: z
    .string()
    .regex(/^[0-9a-f]{8,32}$/, "must be 8 to 32 hexadecimal digits")
    .describe("Of the gateway process: another one after each start."),
  prices: z.string().max(64).default("").describe("Version of the price table that the gateway has."),
  accounts: z
    .record(
      z.string().min(1).max(256),
      z.object({
        wanted: amount.default(0).describe("What the gateway wants to have in hand."),
        leases: z.array(lease).max(8).default([]),
      }),
    )
    .default({})
    .describe("By budget, or `<budget>/<credential or task>` where each has its own."),
});

export type BudgetsReport = z.output<typeof budgetsReport>;

/** What a gateway is told of an account. */
type AccountAnswer = Omit<AccountReply, "end"> & {
  /** Until the period ends; no more is spent from the lease then. */
  endsInMs: number;
};

export interface BudgetsReply {
  /** null: there is no such account, or it can't be spent from. Those that need no asking are always told. */
  accounts: Record<string, AccountAnswer | null>;
  /** Absent when the gateway has it. */
  prices?: PriceList;
}
