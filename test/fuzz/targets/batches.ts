import type { Random } from "../../support/mutate.ts";
import { countedModule } from "../module.ts";
import { float32Of } from "../reference/float32.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Cases that are made and checked within the VM, or by V8's own reader of numbers; a case here is a seed of many. */

type Check = (seed: bigint, count: number) => number;

interface Batches {
  allocate(size: number): number;
  failedPtr(): number;
  failedLength(): number;
  decimals(seed: bigint, count: number, to: number): number;
  parseBoth(count: number, ptr: number, doubles: number, floats: number): number;
  doubleTexts(seed: bigint, count: number, doubles: number, to: number): number;
  floatRoundTrips: Check;
  halfFloats: Check;
  integers: Check;
  runs: Check;
  strings: Check;
  base64: Check;
  varints: Check;
  instants: Check;
  percents: Check;
}

const STEPS_A_CASE = 10_000;

/** A seed as the input of a case, and back. */
const seedBytes = (random: Random): Buffer => {
  const seed = Buffer.alloc(8);
  seed.writeUInt32LE(random.below(2 ** 32));
  seed.writeUInt32LE(random.below(2 ** 32), 4);
  return seed;
};

function batch(name: string, about: string, count: number, run: (wasm: Wasm, seed: bigint) => void): Target {
  return {
    name,
    about,
    async open(): Promise<Harness> {
      const { wasm, counted } = await countedModule<Batches>("fuzz-batch");
      const area = {
        text: wasm.allocate(256 * count),
        doubles: wasm.allocate(8 * count),
        floats: wasm.allocate(4 * count),
      };
      return {
        modules: [counted],
        batch: true,
        generate: seedBytes,
        mutate: (_one, _two, random) => seedBytes(random),
        run(input) {
          counted.start(Math.min(count * STEPS_A_CASE, 2 ** 31 - 1));
          run({ ...wasm, ...area }, input.readBigUInt64LE());
          return count;
        },
      };
    },
  };
}
type Wasm = Batches & { memory: WebAssembly.Memory; text: number; doubles: number; floats: number };

function within(name: keyof Batches & `${string}`, about: string, count = 10_000): Target {
  return batch(
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    about,
    count,
    (wasm, seed) => {
      const failed = (wasm[name] as Check)(seed, count);
      if (failed < 0) return;
      const bytes = Buffer.from(wasm.memory.buffer, wasm.failedPtr(), wasm.failedLength());
      check(false, `case ${failed}: ${JSON.stringify(bytes.toString("latin1"))}`);
    },
  );
}

const text = (wasm: Wasm, length: number) =>
  Buffer.from(wasm.memory.buffer, wasm.text, length).toString("latin1");
const COUNT = 5000;

export const batches: Target[] = [
  batch(
    "decimals",
    "decimal numbers as float64 and float32, against V8's and exact arithmetic",
    COUNT,
    (wasm, seed) => {
      const length = wasm.decimals(seed, COUNT, wasm.text);
      const used = wasm.parseBoth(COUNT, wasm.text, wasm.doubles, wasm.floats);
      const numbers = text(wasm, length).split(",");
      check(used === length, () => `refused one of ${numbers.slice(0, 5)}, ...`);
      const doubles = new Float64Array(wasm.memory.buffer, wasm.doubles, COUNT);
      const floats = new Float32Array(wasm.memory.buffer, wasm.floats, COUNT);
      for (let i = 0; i < COUNT; i++) {
        const number = numbers[i] as string;
        const value = Number(number);
        check(Object.is(doubles[i], value), () => `${number} as float64 is ${doubles[i]}`);
        check(Object.is(floats[i], float32Of(number)), () => `${number} as float32 is ${floats[i]}`);
      }
    },
  ),
  batch(
    "double-texts",
    "float64 as text: reads back by V8's reader, no longer than what V8 writes",
    COUNT,
    (wasm, seed) => {
      const length = wasm.doubleTexts(seed, COUNT, wasm.doubles, wasm.text);
      const texts = text(wasm, length).split(",");
      const doubles = new Float64Array(wasm.memory.buffer, wasm.doubles, COUNT);
      for (let i = 0; i < COUNT; i++) {
        const own = texts[i] as string;
        const value = doubles[i] as number;
        check(Object.is(Number(own), value), () => `${value} is written ${own}`);
        check(digits(own) === digits(String(value)), () => `${value} is written ${own}`);
      }
    },
  ),
  within("floatRoundTrips", "float64 and float32 -> text -> the same bits"),
  within("halfFloats", "decimals between two float16 or bfloat16 go to the nearest, ties to even"),
  within("integers", "integers of 64 bits -> text -> the same; each width refuses what does not fit"),
  within("runs", "arrays of numbers of each datatype: the fast loops against one number at a time", 1000),
  within("strings", "any bytes -> JSON string -> the same, malformed UTF-8 as U+FFFD"),
  within(
    "base64",
    "any bytes -> base64 -> the same by both decoders; changed texts are refused or canonical",
  ),
  within("varints", "varints written, read, cut short, too long"),
  within("instants", "milliseconds -> RFC 3339 -> seconds"),
  within("percents", "percent-encoded text against what was encoded"),
];

/** Significant digits of a number's text. */
function digits(number: string): number {
  return number
    .replace(/e.*/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "").length;
}
