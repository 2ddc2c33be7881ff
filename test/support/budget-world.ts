import { budget } from "../../tools/api/budget.ts";
import { type AccountReport, Ledger } from "../../tools/servers/budgets/ledger.ts";
import { type BudgetState, budgetState, EMPTY } from "../../tools/servers/budgets/state.ts";
import { BudgetGateway } from "./budget-gateway.ts";

export const ACCOUNT = "daily";
export const AMOUNT = 10_000;
const DAY_MS = 86_400_000;

export const BUDGETS = [
  budget.parse({ name: ACCOUNT, per: "day", timeZone: "Europe/Berlin", tokens: AMOUNT }),
];

/** Where an exchange of a gateway with a controller breaks off. */
export type Fault = "none" | "reportLost" | "crashBeforeCommit" | "crashAfterCommit" | "replyLost";

interface Request {
  gateway: BudgetGateway;
  lease: number;
  reserved: number;
}

/**
 * Gateways, controllers and a store that compares and swaps, of which each may fail at any point, and the plainest of books
 * beside: what each lease was told to have spent, and what was really spent.
 */
export class BudgetWorld {
  now = Date.parse("2026-10-24T12:00Z");
  stored = JSON.stringify(EMPTY);
  revision = 0;
  gateways: BudgetGateway[];
  /** In memory: what they loaded last. */
  private readonly controllers: ({ ledger: Ledger; revision: number } | undefined)[] = [];
  private readonly requests: Request[] = [];
  private readonly sent: { holder: string; report: AccountReport }[] = [];
  private born = 0;

  /** By lease: what was stored as told; what a gateway heard of that; what was spent. */
  readonly committed = new Map<number, number>();
  readonly acknowledged = new Map<number, number>();
  readonly spent = new Map<number, number>();
  /** Period of each lease. */
  readonly periods = new Map<number, number>();
  /** What may be spent in a period: the amount, what was added, and what requests spent beyond what they reserved. */
  private readonly allowed = new Map<number, number>();

  constructor(gateways: number) {
    this.gateways = Array.from({ length: gateways }, () => this.newGateway());
  }

  private newGateway(): BudgetGateway {
    return new BudgetGateway(`g${this.born++}`);
  }

  get state(): BudgetState {
    return budgetState.parse(JSON.parse(this.stored));
  }

  /** @param controller two may think that they lead */
  exchange(index: number, controller: number, fault: Fault): void {
    const gateway = this.gateways[index] as BudgetGateway;
    const report = gateway.report();
    this.sent.push({ holder: gateway.holder, report });
    if (fault === "reportLost") return;
    const reply = this.report(controller, gateway.holder, report, fault);
    if (reply === undefined || fault === "crashAfterCommit" || fault === "replyLost") return;
    for (const { id, spent } of reply.acknowledged) this.acknowledged.set(id, spent);
    gateway.apply(reply);
  }

  /** A report that was under way comes again, or late. */
  repeat(index: number, controller: number): void {
    const late = this.sent[index % Math.max(1, this.sent.length)];
    if (late) this.report(controller, late.holder, late.report, "none");
  }

  private report(controller: number, holder: string, report: AccountReport, fault: Fault) {
    const reply = this.serve(
      controller,
      (ledger) => {
        const answer = ledger.report(ACCOUNT, holder, report, this.now);
        const { start = 0 } = ledger.state.accounts[ACCOUNT] ?? {};
        if (answer && answer.lease !== 0 && !this.periods.has(answer.lease))
          this.periods.set(answer.lease, start);
        return answer;
      },
      fault,
    );
    for (const { id, spent } of reply?.acknowledged ?? [])
      this.committed.set(id, Math.max(spent, this.committed.get(id) ?? 0));
    return reply;
  }

  byHand(controller: number, what: "topUp" | "reset", amount: number): void {
    const id = `id${this.born++}`;
    const done = this.serve(controller, (ledger) => {
      if (what === "topUp") ledger.topUp(ACCOUNT, amount, id, "", this.now);
      else ledger.reset(ACCOUNT, id, "", this.now);
      return true;
    });
    const after = this.state.accounts[ACCOUNT];
    if (!done || !after) return;
    if (what === "topUp") this.allow(after.start, amount);
    const entry = after.history.at(-1);
    // What was spent or is unknown is forgiven.
    if (what === "reset" && entry?.kind === "reset") this.allow(after.start, entry.spent + entry.unknown);
  }

  /** A request begins. @param amount 0 for all that its gateway has */
  take(index: number, wanted: number): void {
    const gateway = this.gateways[index] as BudgetGateway;
    const amount = wanted || Math.max(1, gateway.left);
    const lease = gateway.take(amount, this.now);
    if (lease !== undefined) this.requests.push({ gateway, lease, reserved: amount });
  }

  /** A request ends that spent so many percent of what it reserved. */
  settle(index: number, percent: number): void {
    const [request] = this.requests.splice(index % Math.max(1, this.requests.length), 1);
    if (!request) return;
    const { gateway, lease, reserved } = request;
    const spent = Math.floor((reserved * percent) / 100);
    const charged = gateway.settle(lease, reserved, spent);
    if (charged === undefined) return;
    this.spent.set(charged, (this.spent.get(charged) ?? 0) + spent);
    this.allow(this.periods.get(charged) ?? 0, charged === lease ? Math.max(0, spent - reserved) : spent);
  }

  /** kill -9: its requests and its memory are gone. */
  kill(index: number): void {
    const gone = this.gateways[index];
    this.requests.splice(0, this.requests.length, ...this.requests.filter((each) => each.gateway !== gone));
    this.gateways[index] = this.newGateway();
  }

  retire(controller: number): void {
    this.serve(controller, (ledger) => {
      ledger.retire((holder) => !this.isAlive(holder));
      return true;
    });
  }

  isAlive(holder: string): boolean {
    return this.gateways.some((each) => each.holder === holder);
  }

  crash(controller: number): void {
    this.controllers[controller] = undefined;
  }

  advance(ms: number): void {
    this.now += ms % (2 * DAY_MS);
  }

  /** What a controller does for a report: load if need be, work, compare and swap. */
  private serve<T>(
    controller: number,
    work: (ledger: Ledger) => T | undefined,
    fault: Fault = "none",
  ): T | undefined {
    for (let attempt = 0; attempt < 2; attempt++) {
      this.controllers[controller] ??= {
        ledger: new Ledger(this.state, BUDGETS, (holder) => !this.isAlive(holder)),
        revision: this.revision,
      };
      const { ledger, revision } = this.controllers[controller];
      const result = work(ledger);
      if (fault === "crashBeforeCommit") {
        this.crash(controller);
        return undefined;
      }
      // What changes nothing is not stored, so a controller that has been deposed may answer from what it knew.
      if (!ledger.isChanged) return result;
      if (revision !== this.revision) {
        this.crash(controller);
        continue;
      }
      this.stored = JSON.stringify(ledger.state);
      this.revision++;
      ledger.isChanged = false;
      const own = this.controllers[controller];
      if (own) own.revision = this.revision;
      if (fault === "crashAfterCommit") this.crash(controller);
      return result;
    }
    return undefined;
  }

  private allow(period: number, amount: number): void {
    this.allowed.set(period, (this.allowed.get(period) ?? AMOUNT) + amount);
  }

  /** A request of a gateway begins and ends. */
  call(index: number, amount: number): void {
    const before = this.requests.length;
    this.take(index, amount);
    if (this.requests.length > before) this.settle(before, 100);
  }

  /** Leases of gateways that run. */
  liveLeases(): number[] {
    return this.gateways.flatMap(({ current, previous }) =>
      [current, previous].flatMap((each) => each?.id ?? []),
    );
  }

  /** All requests end, and all gateways report: once more than a lost reply needs. */
  quiesce(controller: number): void {
    while (this.requests.length > 0) this.settle(0, 100);
    for (let round = 0; round < 3; round++)
      for (const index of this.gateways.keys()) this.exchange(index, controller, "none");
  }

  /** What is written down as spent by period, with what was reset. */
  booked(): Map<number, number> {
    const account = this.state.accounts[ACCOUNT];
    const booked = new Map<number, number>();
    if (!account) return booked;
    let { start } = account;
    const add = (spent: number) => booked.set(start, (booked.get(start) ?? 0) + spent);
    add(account.spent);
    for (const entry of account.history.toReversed()) {
      if (entry.kind === "period") start = entry.start;
      if (entry.kind !== "topUp") add(entry.spent);
    }
    return booked;
  }

  /** The same as gateways' reports said it. */
  told(): Map<number, number> {
    const told = new Map<number, number>([...this.booked().keys()].map((start) => [start, 0]));
    for (const [lease, spent] of this.committed) {
      const start = this.periods.get(lease) ?? 0;
      told.set(start, (told.get(start) ?? 0) + spent);
    }
    return told;
  }

  /** By period: what was spent and is in hand, and what is allowed. */
  use(): { used: number; allowed: number }[] {
    const byPeriod = new Map<number, number>();
    const add = (lease: number, amount: number) => {
      const period = this.periods.get(lease) ?? 0;
      byPeriod.set(period, (byPeriod.get(period) ?? 0) + amount);
    };
    for (const [lease, spent] of this.spent) add(lease, spent);
    for (const { current, inHand } of this.gateways) if (current) add(current.id, inHand);
    return [...byPeriod].map(([period, used]) => ({ used, allowed: this.allowed.get(period) ?? AMOUNT }));
  }
}
