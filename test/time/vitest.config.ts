import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

/** Proofs that take real time of a real Envoy, one after the other: what else the machine does would show in their numbers. */
export default defineConfig({
  test: {
    dir: "test/time",
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
