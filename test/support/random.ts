import { randomInt } from "node:crypto";
import { onTestFailed } from "vitest";

const BITS_32 = 2 ** 32;

/** Random numbers from a seed: the same for the same. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number;
  /** A whole number of 32 bits. */
  uint32(): number;
  /** A whole number from 0, less than `bound`. */
  below(bound: number): number;
  bytes(length: number): Buffer;
}

/**
 * Random numbers for the test that runs, which tells their seed when it fails. MODELGATE_SEED gives them that
 * seed, and fast-check's properties too (test/support/seed.ts).
 */
export function random(): Random {
  const seed = Number(process.env.MODELGATE_SEED ?? randomInt(BITS_32));
  onTestFailed(() => console.error(`random numbers of this test: MODELGATE_SEED=${seed}`));
  return fromSeed(seed);
}

/** Mulberry32. */
export function fromSeed(seed: number): Random {
  let state = seed | 0;
  const uint32 = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  // As many bits as a number has.
  const next = () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53;
  const below = (bound: number) => Math.floor(next() * bound);
  const bytes = (length: number) => {
    const filled = Buffer.alloc(length);
    for (let at = 0; at < length; at++) filled[at] = uint32();
    return filled;
  };
  return { next, uint32, below, bytes };
}
