import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/chart/node/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    reporters: ["verbose"],
  },
});
