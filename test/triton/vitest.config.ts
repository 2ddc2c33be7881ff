import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    dir: "test/triton",
    include: ["**/*.test.ts"],
    globalSetup: "test/triton/setup.ts",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
