import { defineConfig } from "vitest/config";

/** Proofs that take real time of a real Envoy, one after the other: what else the machine does would show in their numbers. */
export default defineConfig({
  test: {
    dir: "test/time",
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
