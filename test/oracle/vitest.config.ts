import { defineConfig } from "vitest/config";

/** 100,000 cases for schema and filter and a sweep over their fields, in two processes at a time. */
export default defineConfig({
  test: {
    dir: "test/oracle",
    include: ["**/*.test.ts"],
    testTimeout: 3_600_000,
    maxWorkers: 2,
    setupFiles: ["test/support/seed.ts"],
  },
});
