import fc from "fast-check";
import { expect, it } from "vitest";
import { sampledTraceparent, TRACEPARENT, traceThreshold } from "../../tools/lib/envoy/trace-threshold.ts";

const random = (bits: bigint) => bits.toString(16).padStart(14, "0");
const withBits = (bits: bigint) => `00-${"a".repeat(18)}${random(bits)}-00f067aa0ba902b7-01`;
const BITS = fc.bigInt(0n, 2n ** 56n - 1n);

it("takes the traces whose random bits are at least the threshold", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1, 0.5, 1e-9)),
      BITS,
      (ratio, bits) => {
        const threshold = BigInt(traceThreshold(ratio)) << 24n;
        const near = [threshold - 1n, threshold, threshold + 1n].filter(
          (each) => each >= 0n && each < 2n ** 56n,
        );
        const sampled = sampledTraceparent(ratio);
        for (const each of [bits, ...near])
          expect(sampled !== undefined && new RegExp(`^${sampled}$`).test(withBits(each))).toBe(
            each >= threshold,
          );
      },
    ),
    { numRuns: 3_000 },
  );
});

it("has a short expression for a round ratio", () => {
  expect(sampledTraceparent(0.5)).toBe("[ -~]{2}-[ -~]{16}[ -~]{2}(?:[8-9a-f]).*");
  expect(sampledTraceparent(0)).toBeUndefined();
});

it.each([
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true],
  ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", true],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01later", false],
  ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false],
  ["00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false],
  ["", false],
])("knows whether %j is a traceparent", (text, is) => {
  expect(new RegExp(`^${TRACEPARENT}$`).test(text)).toBe(is);
});
