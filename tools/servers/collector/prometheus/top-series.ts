/** How many times as many series are tallied as get a name. */
const TALLIED = 4;

/**
 * Which of endlessly many keys are worth a name of their own: the `size` that count most. Memory stays
 * bounded: of keys beyond four times as many, the smaller half is forgotten now and then.
 */
export class TopSeries {
  readonly named = new Set<string>();
  private readonly size: number;
  private tally = new Map<string, number>();

  constructor(size: number) {
    this.size = size;
  }

  /** @returns whether the key has a name now */
  count(key: string, amount: number): boolean {
    this.tally.set(key, (this.tally.get(key) ?? 0) + amount);
    if (this.tally.size > TALLIED * this.size) this.tally = new Map(this.largest(2 * this.size));
    if (!this.named.has(key) && this.named.size < this.size) this.named.add(key);
    return this.named.has(key);
  }

  /** Gives names to what counted most since the last time. @returns the keys that lost theirs */
  rank(): string[] {
    const keep = new Set(this.largest(this.size).map(([key]) => key));
    const room = Math.max(0, this.size - keep.size);
    const idle = [...this.named].filter((key) => !keep.has(key));
    const lost = idle.slice(room);
    for (const key of lost) this.named.delete(key);
    for (const key of keep) this.named.add(key);
    this.tally.clear();
    return lost;
  }

  private largest(count: number): [string, number][] {
    return [...this.tally].sort(([, a], [, b]) => b - a).slice(0, count);
  }
}
