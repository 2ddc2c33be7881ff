/** Random numbers that are the same each time. */
export class Noise {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** From 0 to 1: mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** How many of `of` happen that each do so with a chance. */
  count(of: number, chance: number): number {
    let count = 0;
    for (let i = 0; i < of; i++) if (this.next() < chance) count++;
    return count;
  }

  /** From a normal distribution: Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}
