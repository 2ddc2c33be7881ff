import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "../support/until.ts";

export default defineConfig({
  test: {
    dir: "test/page",
    include: ["**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: WITHIN_MS } },
  },
});
