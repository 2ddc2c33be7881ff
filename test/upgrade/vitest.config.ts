import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    include: ["test/upgrade/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: WITHIN_MS } },
    setupFiles: ["test/support/seed.ts"],
  },
});
