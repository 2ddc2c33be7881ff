import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { dir: "test/flink", include: ["**/*.test.ts"], testTimeout: 180_000, hookTimeout: 180_000 },
});
