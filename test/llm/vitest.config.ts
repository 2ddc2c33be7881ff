import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    dir: "test/llm",
    include: ["**/*.test.ts"],
    globalSetup: "test/llm/setup.ts",
    testTimeout: 600_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
