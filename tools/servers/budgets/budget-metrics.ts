import { Counter, Gauge, type Registry } from "prom-client";
import type { Budgets } from "./budgets.ts";
import { type Account, isOpen, outstanding, usedPercent } from "./state.ts";

const LABELS = ["tenant", "budget"] as const;

/**
 * Metrics of budgets, read from the ledgers when asked for; told by the leader alone, as others know an old
 * state.
 */
export function budgetMetrics(registry: Registry, budgets: Budgets, isLeader: () => boolean): void {
  const perAccount = (name: string, help: string, value: (account: Account) => number) =>
    new Gauge({
      name: `modelgate_budget_${name}`,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset();
        if (!isLeader()) return;
        for (const [tenant, { state }] of budgets.ledgers())
          for (const [budget, account] of Object.entries(state.accounts))
            this.set({ tenant, budget }, value(account));
      },
    });
  perAccount(
    "limit",
    "The whole of a budget in its period, with what was added: tokens, or micro-units of a currency.",
    ({ amount, added }) => amount + added,
  );
  perAccount("spent", "What gateways said that they spent of a budget in its period.", ({ spent }) => spent);
  perAccount(
    "unknown",
    "What gateways that are gone had in hand of a budget, which counts as spent.",
    ({ unknown }) => unknown,
  );
  perAccount("leased", "What gateways have in hand of a budget, spent or not.", ({ leases }) =>
    Object.values(leases).reduce((sum, lease) => sum + (isOpen(lease) ? outstanding(lease) : 0), 0),
  );
  perAccount("used_percent", "Percent of a budget that are spent in its period.", usedPercent);
  perAccount("period_end_seconds", "When a budget's period ends, Unix time.", ({ end }) => end / 1000);
  const warnings = new Counter({
    name: "modelgate_budget_warnings_total",
    help: "Warnings that a percentage of a budget is spent, by percentage.",
    labelNames: [...LABELS, "percent"],
    registers: [registry],
  });
  budgets.watch((tenant, { account, percent }) => warnings.inc({ tenant, budget: account, percent }));
}
