import { runSteps } from "./steps.ts";

/**
 * What `npm test` does before its tests: `npm run check`, and the modules of `build` and `build:tests` in one
 * process.
 */
const STEPS = [
  ["node", "test/support/build-modules.ts", "--filters"],
  ["tsc"],
  ["biome", "check", "--error-on-warnings", "."],
] as const;

const stop = new AbortController();
const end = (status: number) => () => {
  stop.abort();
  process.exit(status);
};
process.once("SIGINT", end(130));
process.once("SIGTERM", end(143));

const passed = await runSteps(STEPS, { write: (text) => process.stdout.write(text), signal: stop.signal });
process.exitCode = passed ? 0 : 1;
