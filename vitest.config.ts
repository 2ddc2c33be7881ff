import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { WITHIN_MS } from "./test/support/until.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Workers and the programs that tests start find their scripts compiled, with the types stripped.
process.env.NODE_COMPILE_CACHE ??= here("build/test/node-compile-cache");

const ALL = "test/{unit,host,envoy,oci}/**/*.test.ts";
/** Files that change what their whole process has: mocked modules, the environment. */
const alone = globSync(ALL, { cwd: here(".") }).filter((path) =>
  /\bvi\.(?:doMock|mock|stubEnv)\(|\bprocess\.env\.\w+ = /.test(readFileSync(here(path), "utf8")),
);

export default defineConfig({
  test: {
    // For a machine with much else to do, where what takes seconds may take minutes.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: WITHIN_MS } },
    maxWorkers: 4,
    setupFiles: ["test/support/seed.ts"],
    projects: [
      // The files of a worker share its process, so a module is loaded once for all of them.
      { extends: true, test: { name: "together", include: [ALL], exclude: alone, isolate: false } },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
