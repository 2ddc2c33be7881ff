import type { Logger } from "pino";
import { type Budget, parseMoney } from "../../api/budget.ts";
import type { PriceList } from "../../api/prices.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import { Books } from "./books.ts";
import type { Ledger, Warning } from "./ledger.ts";
import type { BudgetsReply, BudgetsReport } from "./protocol.ts";
import type { BudgetStore } from "./store.ts";

/** A gateway that has not reported for so long gets nothing kept free. */
const SILENT_MS = 5_000;
/** After so long its leases are closed: what it had in hand counts as spent for good. */
const GONE_MS = 3_600_000;
const TICK_MS = 10_000;
/** A reply about limits waits for the budgets' store no longer: gateways wait for 900 ms. */
const ANSWER_WITHIN_MS = 600;

interface BudgetsOptions {
  store: BudgetStore;
  log: Logger;
}

type OnWarning = (tenant: string, warning: Warning) => void;

/** Who reports. */
interface Reporter {
  gateway: string;
  pod: string;
}

/** The budgets of all tenants, as the leader keeps them. */
export class Budgets {
  private readonly options: BudgetsOptions;
  private readonly books = new Map<string, Books>();
  private tenants: Tenant[] = [];
  private ofGateway = new Map<string, string>();
  private prices: PriceList | undefined;
  /** When each gateway process reported last; before it did, when this process began to look. */
  private readonly seen = new Map<string, number>();
  private begun = performance.now();
  private readonly watchers: OnWarning[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(options: BudgetsOptions) {
    this.options = options;
  }

  /** Takes the budgets of the tenants. */
  apply(tenants: Tenant[]): void {
    this.tenants = tenants;
    this.ofGateway = new Map(tenants.map((tenant) => [gatewayName(tenant), tenant.metadata.name]));
    const having = tenants.filter(({ spec }) => spec.budgets.length > 0);
    const names = new Set(having.map(({ metadata }) => metadata.name));
    for (const tenant of this.books.keys()) if (!names.has(tenant)) this.books.delete(tenant);
    for (const { metadata, spec } of having) {
      const usable = this.usable(metadata.name, spec.budgets);
      const books = this.books.get(metadata.name);
      if (books !== undefined) books.setBudgets(usable);
      else this.books.set(metadata.name, this.open(metadata.name, usable));
    }
  }

  /** Takes another price table. */
  setPrices(prices: PriceList): void {
    this.prices = prices;
    this.apply(this.tenants);
  }

  /** Tells of each warning, beside the log. */
  watch(onWarning: OnWarning): void {
    this.watchers.push(onWarning);
  }

  /**
   * Begins with an empty memory, as after an election, and looks after periods and gateways that are gone.
   */
  lead(isLeader: () => boolean): void {
    this.begun = performance.now();
    this.seen.clear();
    for (const books of this.books.values()) books.forget();
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (isLeader()) this.tick();
    }, TICK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.options.store.close();
  }

  /**
   * What a gateway is told of its budgets, once it is stored. Undefined when that does not come in time, or
   * fails: the gateway goes on with the leases it has.
   */
  async exchange(by: Reporter, report: BudgetsReport): Promise<BudgetsReply | undefined> {
    const tenant = this.ofGateway.get(by.gateway) ?? "";
    const books = this.books.get(tenant);
    const prices = this.newPrices(report);
    if (books === undefined) return { accounts: unknownAccounts(report), ...prices };
    const process = `${by.gateway} ${by.pod} `;
    const holder = process + report.incarnation;
    this.seen.set(holder, performance.now());
    const done = books.do((ledger) => {
      // The same pod, started again: what the process before it had is lost.
      ledger.retire((each) => each.startsWith(process) && each !== holder);
      return answers(ledger, holder, report, Date.now());
    });
    try {
      return { accounts: await within(done, ANSWER_WITHIN_MS), ...prices };
    } catch (err) {
      this.options.log.error({ err, tenant, store: this.options.store.name }, "budgets can't be stored");
      return undefined;
    }
  }

  /** For metrics: each tenant's ledger that is in memory. */
  *ledgers(): Iterable<[tenant: string, ledger: Ledger]> {
    for (const [tenant, { ledger }] of this.books) if (ledger !== undefined) yield [tenant, ledger];
  }

  private open(tenant: string, budgets: Budget[]): Books {
    const { store, log } = this.options;
    const isSilent = (holder: string) => this.silenceMs(holder) > SILENT_MS;
    return new Books(
      {
        ...{ tenant, store, isSilent },
        onWarning: (warning) => {
          const { account, percent, spent, limit } = warning;
          log.warn({ tenant, budget: account, percent, spent, limit }, "a budget is spent to a percentage");
          for (const watcher of this.watchers) watcher(tenant, warning);
        },
      },
      budgets,
    );
  }

  private silenceMs(holder: string): number {
    return performance.now() - (this.seen.get(holder) ?? this.begun);
  }

  private newPrices({ prices }: BudgetsReport): { prices?: PriceList } {
    return this.prices === undefined || prices === this.prices.version ? {} : { prices: this.prices };
  }

  /** Money can be spent only where prices are in its currency. */
  private usable(tenant: string, budgets: Budget[]): Budget[] {
    return budgets.filter(({ name, money }) => {
      const currency = money === undefined ? undefined : parseMoney(money).currency;
      if (currency === undefined || currency === this.prices?.currency) return true;
      const has = this.prices === undefined ? "there are no prices" : `prices are in ${this.prices.currency}`;
      this.options.log.error(
        { tenant, budget: name },
        `the budget is in ${currency}, but ${has}: see --prices`,
      );
      return false;
    });
  }

  private tick(): void {
    const isGone = (holder: string) => this.silenceMs(holder) > GONE_MS;
    for (const [tenant, books] of this.books)
      books
        .do((ledger) => {
          ledger.tick(Date.now());
          ledger.retire(isGone);
        })
        .catch((err) => this.options.log.error({ err, tenant }, "budgets can't be stored"));
    for (const holder of this.seen.keys()) if (isGone(holder)) this.seen.delete(holder);
  }
}

function answers(ledger: Ledger, holder: string, { accounts }: BudgetsReport, now: number) {
  const result: BudgetsReply["accounts"] = Object.create(null);
  for (const name of new Set([...ledger.standing(), ...Object.keys(accounts)])) {
    const said = Object.hasOwn(accounts, name) ? accounts[name] : undefined;
    const reply = ledger.report(name, holder, said ?? { wanted: 0, leases: [] }, now);
    if (reply === undefined) {
      result[name] = null;
      continue;
    }
    const { end, ...rest } = reply;
    result[name] = { ...rest, endsInMs: Math.max(0, end - now) };
  }
  return result;
}

function unknownAccounts({ accounts }: BudgetsReport): BudgetsReply["accounts"] {
  return Object.fromEntries(Object.keys(accounts).map((name) => [name, null]));
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
