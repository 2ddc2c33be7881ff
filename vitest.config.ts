import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "./test/support/until.ts";

export default defineConfig({
  test: {
    include: ["test/{unit,host,envoy,oci}/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: WITHIN_MS } },
    maxWorkers: 2,
    setupFiles: ["test/support/seed.ts"],
  },
});
