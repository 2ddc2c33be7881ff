import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    include: ["test/package/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: WITHIN_MS } },
    fileParallelism: false,
  },
});
