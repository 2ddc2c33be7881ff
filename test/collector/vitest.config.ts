import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    dir: "test/collector",
    include: ["**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 400_000,
    fileParallelism: false,
  },
});
