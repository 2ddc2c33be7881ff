import { type Budget, budgetAmount } from "../../api/budget.ts";
import { periodAt } from "./calendar.ts";
import { slices } from "./slices.ts";
import {
  type Account,
  type BudgetState,
  type HistoryEntry,
  isOpen,
  type Lease,
  outstanding,
  remaining,
  usedPercent,
} from "./state.ts";

/** Entries kept of an account: a year of months, with what was done by hand. */
const MOST_HISTORY = 24;
/** Accounts of a budget of each credential or task. */
const MOST_ACCOUNTS = 10_000;
/** Numbers of leases follow the clock, so that none comes twice even when a state is lost. */
const LEASES_A_MS = 1000;
/** What is kept of a budget that is gone is forgotten so long after its period. */
const LATE_MS = 24 * 3_600_000;

/** What a gateway process says of one account. */
export interface AccountReport {
  /** What it wants to have in hand. */
  wanted: number;
  leases: { id: number; spent: number; returned: number; final: boolean }[];
}

/** What it is told. */
export interface AccountReply {
  /** The lease to spend from, and all that was ever given by it; 0: none. */
  lease: number;
  granted: number;
  /** What is more in hand, and idle, goes back. */
  keep: number;
  /** When the period ends, milliseconds since 1970. */
  end: number;
  /** The whole, with what was added. */
  limit: number;
  /** What is not spent, with what gateways have in hand; below 0 when more was spent than there is. */
  remaining: number;
  /** The percentage warned of last in this period, 0 for none. */
  warned: number;
  /** What is written down of the leases that were reported. */
  acknowledged: { id: number; spent: number }[];
  /** Leases that are not, or not any more: to be forgotten. */
  closed: number[];
}

/** A percentage of `warnAt` was reached. */
export interface Warning {
  account: string;
  percent: number;
  spent: number;
  limit: number;
}

/**
 * The budgets of a tenant: pure bookkeeping over a state that others store.
 *
 * A gateway spends only from leases. What is granted by a lease, spent and given back are sums since it
 * began, so that reports and replies may be lost, repeated or late. What a gateway has in hand of a lease
 * counts as used until the gateway says otherwise; of a gateway that is gone for good, it counts as spent.
 * So what is spent, what is unknown and what is in hand never exceed the amount, but for what a gateway
 * spends beyond its lease, when an answer became longer than it reserved: that is counted too.
 */
export class Ledger {
  readonly state: BudgetState;
  private readonly budgets: Map<string, Budget>;
  /** Something changed that must be stored before anyone is told. */
  isChanged = false;
  /** What is to be said once it is stored. */
  warnings: Warning[] = [];

  private readonly isSilent: (holder: string) => boolean;

  /**
   * @param state is changed in place
   * @param isSilent says of a gateway process whether it reports no more: nothing is kept free for it
   */
  constructor(state: BudgetState, budgets: Budget[], isSilent: (holder: string) => boolean = () => false) {
    this.state = state;
    this.isSilent = isSilent;
    this.budgets = new Map(budgets.map((each) => [each.name, each]));
  }

  /** Names of the accounts that need not be asked for. */
  standing(): string[] {
    return [...this.budgets.values()].flatMap(({ name, for: { each } }) => (each ? [] : [name]));
  }

  /**
   * Takes a gateway's report on an account and gives the reply.
   * @param holder the gateway process
   * @param now milliseconds since 1970
   * @returns undefined for an account that can't be
   */
  report(name: string, holder: string, said: AccountReport, now: number): AccountReply | undefined {
    const budget = this.budgetOf(name);
    const account = budget && this.accountAt(name, budget, now);
    if (budget === undefined || account === undefined) return undefined;
    const { acknowledged, closed } = this.settle(account, holder, said);
    // Who closes what it has, and wants nothing, is done.
    const isDone = said.wanted === 0 && said.leases.length > 0 && said.leases.every(({ final }) => final);
    const own = isDone ? undefined : this.grant(account, budget, holder, said.wanted, now);
    this.warn(name, budget, account);
    return {
      ...{ lease: own?.id ?? 0, granted: own?.lease.granted ?? 0, keep: own?.keep ?? 0 },
      ...{ end: account.end, limit: account.amount + account.added, remaining: remaining(account) },
      ...{ warned: account.warned, acknowledged, closed },
    };
  }

  /** Ends periods that are over, and forgets budgets that are gone when theirs is. */
  tick(now: number): void {
    for (const [name, account] of Object.entries(this.state.accounts)) {
      const budget = this.budgetOf(name);
      if (budget !== undefined) this.accountAt(name, budget, now);
      else if (now >= account.end + LATE_MS) {
        delete this.state.accounts[name];
        this.isChanged = true;
      }
    }
  }

  /** A gateway process is gone: what it had in hand counts as spent. */
  retire(isGone: (holder: string) => boolean): void {
    for (const account of Object.values(this.state.accounts))
      for (const [id, lease] of Object.entries(account.leases)) {
        if (!isGone(lease.holder)) continue;
        if (isOpen(lease)) account.unknown += outstanding(lease);
        delete account.leases[id];
        this.isChanged = true;
      }
  }

  /** Who has leases. */
  holders(): Set<string> {
    const accounts = Object.values(this.state.accounts);
    return new Set(accounts.flatMap(({ leases }) => Object.values(leases).map(({ holder }) => holder)));
  }

  /**
   * Adds to an account for the rest of its period; below 0 takes away.
   * @param id of what was asked: done once
   * @throws Error for an account that can't be
   */
  topUp(name: string, amount: number, id: string, reason: string, now: number): void {
    const account = this.open(name, now);
    if (isDone(account, id)) return;
    account.added += amount;
    this.remember(account, { kind: "topUp", id, at: now, amount, reason });
    this.forgive(name, account);
  }

  /**
   * Makes an account whole again. Leases stay: what is spent from them from now on counts.
   * @throws Error for an account that can't be
   */
  reset(name: string, id: string, reason: string, now: number): void {
    const account = this.open(name, now);
    if (isDone(account, id)) return;
    const { spent, unknown } = account;
    account.spent = 0;
    account.unknown = 0;
    account.added = 0;
    this.remember(account, { kind: "reset", id, at: now, spent, unknown, reason });
    this.forgive(name, account);
  }

  /** An account as of now. @throws Error for one that can't be */
  open(name: string, now: number): Account {
    const budget = this.budgetOf(name);
    const account = budget && this.accountAt(name, budget, now);
    if (account !== undefined) return account;
    const known = [...this.budgets.keys()].join(", ") || "none";
    throw new Error(`there is no budget ${JSON.stringify(name)} (the Tenant has ${known})`);
  }

  private budgetOf(name: string): Budget | undefined {
    const slash = name.indexOf("/");
    const budget = this.budgets.get(slash < 0 ? name : name.slice(0, slash));
    if (budget === undefined) return undefined;
    const { each, credentials, tasks } = budget.for;
    if (each === undefined) return slash < 0 ? budget : undefined;
    const of = name.slice(slash + 1);
    const listed = each === "credential" ? credentials : tasks;
    return slash < 0 || of === "" || of.length > 128 || listed?.includes(of) === false ? undefined : budget;
  }

  /** The account as of now: it begins a new period when the last one is over. */
  private accountAt(name: string, budget: Budget, now: number): Account | undefined {
    const { accounts } = this.state;
    const account = Object.hasOwn(accounts, name) ? accounts[name] : undefined;
    const amount = budgetAmount(budget);
    if (account === undefined) return this.opened(name, budget, amount, now);
    const { start, end } = periodAt(budget.per, budget.timeZone, Math.max(now, account.start));
    if (now >= account.end) this.turn(account);
    // Of another calendar: what was spent stays spent, until the period that is now ends.
    if (start === account.start && end === account.end && amount === account.amount) return account;
    this.isChanged = true;
    Object.assign(account, { start, end, amount });
    return account;
  }

  private opened(name: string, budget: Budget, amount: number, now: number): Account | undefined {
    const { accounts } = this.state;
    const siblings = Object.keys(accounts).filter((each) => each.startsWith(`${budget.name}/`));
    if (siblings.length >= MOST_ACCOUNTS) return undefined;
    const period = periodAt(budget.per, budget.timeZone, now);
    const account: Account = {
      ...{ ...period, amount, added: 0, spent: 0, unknown: 0, warned: 0, leases: {}, history: [] },
    };
    accounts[name] = account;
    this.isChanged = true;
    return account;
  }

  /** Ends a period: it becomes history, and its leases are closed. */
  private turn(account: Account): void {
    const { start, end, amount, added, spent } = account;
    const open = Object.entries(account.leases).filter(([, lease]) => isOpen(lease));
    const unknown = account.unknown + inHandOf(open);
    this.remember(account, { kind: "period", start, end, amount, added, spent, unknown });
    for (const [, lease] of open) lease.period = start;
    Object.assign(account, { added: 0, spent: 0, unknown: 0, warned: 0 });
  }

  /** Writes down what a gateway spent and gave back. */
  private settle(account: Account, holder: string, said: AccountReport) {
    const acknowledged: AccountReply["acknowledged"] = [];
    const closed: number[] = [];
    for (const { id, spent, returned, final } of said.leases) {
      const lease = account.leases[id];
      if (lease === undefined || lease.holder !== holder) {
        closed.push(id);
        // To be told only by who knows the latest state, which storing it proves.
        this.isChanged = true;
        continue;
      }
      const before = { ...lease };
      lease.spent = Math.max(lease.spent, spent);
      lease.returned = Math.max(lease.returned, Math.min(returned, lease.granted));
      if (final) lease.returned = Math.max(lease.returned, lease.granted - lease.spent);
      this.book(account, lease, lease.spent - before.spent, outstanding(before) - outstanding(lease));
      if (lease.spent !== before.spent || lease.returned !== before.returned) this.isChanged = true;
      acknowledged.push({ id, spent: lease.spent });
      if (!final) continue;
      delete account.leases[id];
      closed.push(id);
      this.isChanged = true;
    }
    return { acknowledged, closed };
  }

  /** @param freed what is no longer in hand of the lease */
  private book(account: Account, lease: Lease, spent: number, freed: number): void {
    if (isOpen(lease)) {
      account.spent += spent;
      return;
    }
    const past = account.history.find((each) => each.kind === "period" && each.start === lease.period);
    if (past?.kind === "period") {
      past.spent += spent;
      past.unknown = Math.max(0, past.unknown - freed);
    } else account.spent += spent;
  }

  /** Gives a gateway what it should have in hand, as far as nobody else has it. */
  private grant(account: Account, budget: Budget, holder: string, wanted: number, now: number) {
    const open = Object.entries(account.leases).filter(([, lease]) => isOpen(lease));
    const mine = open.find(([, lease]) => lease.holder === holder);
    const left = Math.max(0, remaining(account));
    const free = Math.max(0, left - inHandOf(open));
    const others = open.filter((each) => each !== mine);
    const silent = others.filter(([, { holder }]) => this.isSilent(holder));
    const wants = others.flatMap((each) => (silent.includes(each) ? [] : [each[1].wanted]));
    const [keep = 0] = slices(left - inHandOf(silent), [wanted, ...wants]);
    // Where others have all that is left, a lease of nothing says what is wanted, and they give back; where
    // calls go on when all is spent, it takes what they spend.
    if (mine === undefined && left === 0 && budget.whenSpent === "refuse") return undefined;
    const [id, lease] = mine ?? this.lease(account, holder, now);
    lease.wanted = wanted;
    const missing = Math.min(keep - outstanding(lease), free);
    if (missing <= 0) return { id: Number(id), lease, keep };
    // What it spent beyond the lease is counted as spent: it needs that, too, to have something in hand.
    lease.granted = Math.max(lease.granted, lease.spent + lease.returned) + missing;
    this.isChanged = true;
    return { id: Number(id), lease, keep };
  }

  private lease(account: Account, holder: string, now: number): [id: string, lease: Lease] {
    const id = Math.max(this.state.nextLease, Math.floor(now) * LEASES_A_MS);
    const lease: Lease = { holder, granted: 0, spent: 0, returned: 0, wanted: 0 };
    this.state.nextLease = id + 1;
    account.leases[id] = lease;
    this.isChanged = true;
    return [String(id), lease];
  }

  private warn(name: string, budget: Budget, account: Account): void {
    const used = usedPercent(account);
    const percent = Math.max(0, ...budget.warnAt.filter((each) => each <= used));
    if (percent <= account.warned) return;
    account.warned = percent;
    this.isChanged = true;
    const { spent, unknown, amount, added } = account;
    this.warnings.push({ account: name, percent, spent: spent + unknown, limit: amount + added });
  }

  /** There is more again: what was warned of may have to be warned of once more. */
  private forgive(name: string, account: Account): void {
    const used = usedPercent(account);
    const { warnAt = [] } = this.budgetOf(name) ?? {};
    account.warned = Math.min(account.warned, Math.max(0, ...warnAt.filter((each) => each <= used)));
  }

  private remember(account: Account, entry: HistoryEntry): void {
    account.history.push(entry);
    if (account.history.length > MOST_HISTORY) account.history.shift();
    this.isChanged = true;
  }
}

function inHandOf(leases: [id: string, lease: Lease][]): number {
  return leases.reduce((sum, [, lease]) => sum + outstanding(lease), 0);
}

function isDone(account: Account, id: string): boolean {
  return account.history.some((each) => each.kind !== "period" && each.id === id);
}
