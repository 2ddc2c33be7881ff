import type { AccountReply, AccountReport } from "../../tools/servers/budgets/ledger.ts";

interface HeldLease {
  id: number;
  granted: number;
  spent: number;
  returned: number;
  /** Reserved by requests under way. */
  held: number;
}

/**
 * What a gateway process keeps of one account, as filters/rate-limit/budget does it: it spends from a lease only,
 * and reports sums.
 */
export class BudgetGateway {
  readonly holder: string;
  current: HeldLease | undefined;
  previous: HeldLease | undefined;
  /** Milliseconds since 1970. */
  end = 0;
  wanted = 0;

  constructor(holder: string) {
    this.holder = holder;
  }

  /** What it may still spend, with what requests under way reserved. */
  get inHand(): number {
    return this.current ? Math.max(0, this.left + this.current.held) : 0;
  }

  get left(): number {
    return this.current ? leftOf(this.current) : 0;
  }

  /** Reserves an amount at `now`. @returns the lease that it is from, undefined when there is not so much */
  take(amount: number, now: number): number | undefined {
    this.wanted = Math.max(this.wanted, amount);
    if (!this.current || now >= this.end || this.left < amount) return undefined;
    this.current.held += amount;
    return this.current.id;
  }

  /**
   * Ends a request that reserved an amount and spent another; when its lease is forgotten, the present one pays.
   * @returns the lease that it was charged to
   */
  settle(id: number, reserved: number, spent: number): number | undefined {
    const lease = [this.current, this.previous].find((each) => each?.id === id);
    if (lease) lease.held -= reserved;
    const charged = lease ?? this.current;
    if (charged) charged.spent += spent;
    return charged?.id;
  }

  report(): AccountReport {
    const wanted = this.wanted + Math.max(0, this.current?.held ?? 0);
    this.wanted = 0;
    const previous = this.previous && {
      ...said(this.previous),
      final: this.previous.held === 0,
    };
    const current = this.current && { ...said(this.current), final: false };
    return { wanted, leases: [previous, current].filter((each) => each !== undefined) };
  }

  apply(reply: AccountReply): void {
    for (const id of reply.closed) {
      if (this.previous?.id === id) this.previous = undefined;
      if (this.current?.id === id) this.current = undefined;
    }
    // Replies may come late: numbers of leases only grow.
    if (this.current && reply.lease < this.current.id && reply.lease !== 0) return;
    if (this.current?.id !== reply.lease) {
      if (this.current) this.previous = this.current;
      this.current =
        reply.lease === 0 ? undefined : { id: reply.lease, granted: 0, spent: 0, returned: 0, held: 0 };
    }
    this.end = reply.end;
    if (!this.current) return;
    this.current.granted = Math.max(this.current.granted, reply.granted);
    const left = leftOf(this.current);
    this.current.returned += Math.max(0, Math.min(left, left + this.current.held - reply.keep));
  }
}

function said({ id, spent, returned }: HeldLease) {
  return { id, spent, returned };
}

function leftOf({ granted, spent, returned, held }: HeldLease): number {
  return granted - spent - returned - held;
}
