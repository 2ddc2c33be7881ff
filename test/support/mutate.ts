/** A small seeded generator of numbers (mulberry32), so that a failing run can be repeated. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Pieces that parsers of JSON, tokens and structured fields trip over. */
const PIECES =
  '{ } [ ] , : " \\ \\u0000 \\ud800 \\u00 null true fals -0 1e999 0.1 00 -1 . .. = == ; ( ) ?0 :AAAA: %2f \u00ff é \u{1f600} & ? / * \n \t \0'.split(
    " ",
  );

/** `text` with one to four changes: bytes flipped, dropped, doubled, pieces put in, runs moved or cut. */
export function mutate(text: string, random: Random): string {
  let result = text;
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(result.length + 1);
    const to = Math.min(result.length, at + 1 + random.below(8));
    const run = result.slice(at, to);
    switch (random.below(7)) {
      case 0:
        result = result.slice(0, at) + String.fromCharCode(random.below(256)) + result.slice(at + 1);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(to);
        break;
      case 2:
        result = result.slice(0, to) + run + result.slice(to);
        break;
      case 3:
        result = result.slice(0, at) + random.pick(PIECES) + result.slice(at);
        break;
      case 4:
        result = result.slice(0, at) + random.pick(PIECES) + result.slice(to);
        break;
      case 5:
        result = run + result.slice(0, at) + result.slice(to);
        break;
      default:
        result = random.below(8) === 0 ? result.slice(0, at) : result;
    }
  }
  return result;
}
