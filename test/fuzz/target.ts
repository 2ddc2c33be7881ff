import type { Random } from "../support/mutate.ts";
import type { Counted } from "./module.ts";

/** A parser that is fuzzed, and how. */
export interface Target {
  name: string;
  /** What is fuzzed and what must hold, in a line. */
  about: string;
  /** Starts its modules: anew after each fault. */
  open(): Promise<Harness>;
}

export interface Harness {
  modules: Counted[];
  /** A case of the grammar. Bytes, whatever they stand for. */
  generate(random: Random): Buffer;
  /** Another case, made of one or two of them. */
  mutate(one: Buffer, two: Buffer, random: Random): Buffer;
  /** Runs a case and throws a `Fault` unless all holds. @returns how many cases it stands for, 1 if undefined */
  run(input: Buffer): number | undefined;
  /** Pages that a VM may take beyond what it had when the campaign had settled: 64 unless this says otherwise. */
  morePages?: number;
  /** Does a case stand for many (a seed), so that keeping it says little? */
  batch?: boolean;
}

/** What must hold does not. */
export class Fault extends Error {}

/** @throws Fault with `why` unless `holds` */
export function check(holds: boolean, why: string | (() => string)): asserts holds {
  if (!holds) throw new Fault(typeof why === "string" ? why : why());
}

/** The number that a case's own random choices start from, such as where its chunks end (FNV-1a). */
export function hashOf(input: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of input) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
