import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    dir: "test/triton",
    include: ["**/*.test.ts"],
    globalSetup: "test/triton/setup.ts",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
