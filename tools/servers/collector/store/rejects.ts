export type RejectReason = "not_json" | "no_start_time" | "out_of_time" | "too_long";

export interface Rejected {
  reason: RejectReason;
  /** The first bytes of the line. */
  start: string;
}

const SAMPLES = 100;

/** The lines of a batch that were rejected: all are counted, the first ones kept. */
export class Rejects {
  readonly reasons = new Map<RejectReason, number>();
  readonly samples: Rejected[] = [];

  add(rejected: Rejected): void {
    this.count(rejected.reason, 1);
    if (this.samples.length < SAMPLES) this.samples.push(rejected);
  }

  count(reason: RejectReason, lines: number): void {
    if (lines > 0) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + lines);
  }
}
