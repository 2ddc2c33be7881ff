import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "./test/support/until.ts";

export default defineConfig({
  test: {
    include: ["test/{unit,host,envoy,oci}/**/*.test.ts"],
    // For a machine with much else to do, where what takes seconds may take minutes.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: WITHIN_MS } },
    maxWorkers: 4,
    setupFiles: ["test/support/seed.ts"],
  },
});
