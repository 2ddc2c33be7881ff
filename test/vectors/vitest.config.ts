import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { dir: "test/vectors", include: ["**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 },
});
