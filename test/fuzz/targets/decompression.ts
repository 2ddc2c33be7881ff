import { constants, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import type { Random } from "../../support/mutate.ts";
import { chunkSizes } from "../filter.ts";
import { mutateBytes } from "../generate/json.ts";
import { countedModule } from "../module.ts";
import { check, type Harness, type Target } from "../target.ts";

/** Bodies in gzip and deflate. A case is a byte for the coding, `g` or another, and the body. */

interface EncodedBody {
  allocate(size: number): number;
  begin(isGzip: boolean, maxBytes: number, maxRatio: number): void;
  decode(ptr: number, len: number): number;
  textPtr(): number;
  textLength(): number;
  taken(): void;
  isWhole(): number;
}

const MOST_INPUT = 16_384;
const MAX_BYTES = 65_536;
const MAX_RATIO = 1032;
const STEPS_A_BYTE = 300;

type Decoded = Buffer | "malformed" | "too large";

const encodedBody: Target = {
  name: "encoded-body",
  about:
    "gzip and deflate of any bytes: what zlib makes of them, in chunks of any size, and no more than allowed",
  async open(): Promise<Harness> {
    const { wasm, counted } = await countedModule<EncodedBody>("encoded-body");
    const at = wasm.allocate(MOST_INPUT);
    const decode = (isGzip: boolean, body: Buffer, chunkSize: number): Decoded => {
      counted.start(STEPS_A_BYTE * (body.length + MAX_BYTES));
      wasm.begin(isGzip, MAX_BYTES, MAX_RATIO);
      const parts: Buffer[] = [];
      for (let from = 0; from < body.length; from += chunkSize) {
        const chunk = body.subarray(from, from + chunkSize);
        new Uint8Array(wasm.memory.buffer).set(chunk, at);
        const fault = wasm.decode(at, chunk.length);
        if (fault !== 0) return fault === 2 ? "too large" : "malformed";
        parts.push(Buffer.from(new Uint8Array(wasm.memory.buffer, wasm.textPtr(), wasm.textLength())));
        wasm.taken();
      }
      return wasm.isWhole() ? Buffer.concat(parts) : "malformed";
    };
    return {
      modules: [counted],
      generate: anyBody,
      mutate: (one, two, random) => mutated(one, two, random).subarray(0, MOST_INPUT),
      run(input) {
        const isGzip = input[0] === GZIP;
        const body = input.subarray(1);
        const wanted = byZlib(isGzip, body);
        for (const chunkSize of chunkSizes(body)) {
          const found = decode(isGzip, body, chunkSize);
          // What is too large may be malformed further on, which zlib says of the whole.
          if (found === "too large" && typeof wanted === "string") continue;
          check(
            typeof wanted === "string" || typeof found === "string" ? wanted === found : wanted.equals(found),
            () => `in chunks of ${chunkSize}: ${short(found)} for ${short(wanted)}`,
          );
        }
        return undefined;
      },
    };
  },
};

const GZIP = "g".charCodeAt(0);

function byZlib(isGzip: boolean, body: Buffer): Decoded {
  try {
    const options = { info: true, maxOutputLength: MAX_BYTES };
    const made = (isGzip ? gunzipSync : inflateSync)(body, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    // zlib lets what stands behind the end lie.
    return made.engine.bytesWritten === body.length ? made.buffer : "malformed";
  } catch (error) {
    return (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? "too large" : "malformed";
  }
}

function short(decoded: Decoded): string {
  return typeof decoded === "string" ? decoded : `${decoded.length} bytes`;
}

function anyBody(random: Random): Buffer {
  const isGzip = random.below(2) === 0;
  const make = isGzip ? gzipSync : deflateSync;
  const members = Array.from({ length: isGzip ? 1 + random.below(2) : 1 }, () =>
    make(anyText(random), {
      level: random.below(10),
      strategy: random.pick([
        ...[constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_RLE],
        ...[constants.Z_HUFFMAN_ONLY, constants.Z_FILTERED],
      ]),
      memLevel: 1 + random.below(9),
      windowBits: 9 + random.below(7),
    }),
  );
  return Buffer.concat([Buffer.from(isGzip ? "g" : "d"), ...members]).subarray(0, MOST_INPUT);
}

/** Of few or many different bytes, with repetitions or without, sometimes far beyond the bound. */
function anyText(random: Random): Buffer {
  if (random.below(30) === 0) return Buffer.alloc(MAX_BYTES - 1 + random.below(3), 97);
  const kinds = 1 + random.below(random.pick([2, 10, 256]));
  const text = Array.from({ length: random.below(random.pick([4, 60, 400])) }, () => random.below(kinds));
  return Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => Buffer.from(text)));
}

function mutated(one: Buffer, two: Buffer, random: Random): Buffer {
  if (random.below(6) === 0) {
    const [a, b] = [random.below(one.length + 1), random.below(two.length + 1)];
    return Buffer.concat([one.subarray(0, a), two.subarray(b)]);
  }
  const isGzip = one[0] === GZIP;
  // Mostly what an end can't tell: the beginning, where blocks and codes are.
  const start = isGzip ? 11 : 3;
  const text = one.toString("latin1");
  const from = random.below(3) ? Math.min(start, text.length) : 0;
  const to = Math.min(text.length, from + 1 + random.below(random.pick([8, 80, 2000])));
  const changed = text.slice(0, from) + mutateBytes(text.slice(from, to), random) + text.slice(to);
  return Buffer.from(changed, "latin1");
}

export const decompression: Target[] = [encodedBody];
