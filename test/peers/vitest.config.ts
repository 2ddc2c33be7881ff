import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { dir: "test/peers", include: ["**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000 },
});
