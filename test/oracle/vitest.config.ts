import { defineConfig } from "vitest/config";

/** 100,000 cases for schema and filter, in two processes. */
export default defineConfig({
  test: {
    dir: "test/oracle",
    include: ["**/*.test.ts"],
    testTimeout: 3_600_000,
    maxWorkers: 2,
    setupFiles: ["test/support/seed.ts"],
  },
});
