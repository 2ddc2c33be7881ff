import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    dir: "test/budgets",
    include: ["**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
