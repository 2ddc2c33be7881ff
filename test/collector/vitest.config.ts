import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    dir: "test/collector",
    include: ["**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 400_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
