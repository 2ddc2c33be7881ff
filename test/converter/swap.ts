/**
 * Swaps a converter and rolls it back under 2,000 requests a second, in the real Envoy with configuration from a file
 * (ECDS), as Istio's agent hands it over. `npm run test:swap`; takes half a minute.
 */
import { probeModule, startConverters } from "../support/converter.ts";
import { swapUnderLoad } from "../support/swap-load.ts";

const REQUESTS_PER_SECOND = 2000;
const SECONDS = 20;

const modules: [string, string] = [await probeModule("probe"), await probeModule("other")];
const gateway = await startConverters({ swapped: modules[0] });
const body = JSON.stringify({ do: "infer", floats: [1.5, -0.1], texts: ["a"], integers: [1] });
try {
  const started = performance.now();
  const { statuses, swaps } = await swapUnderLoad(gateway, {
    taskid: "swapped",
    body,
    modules,
    requestsPerSecond: REQUESTS_PER_SECOND,
    seconds: SECONDS,
    everyMs: 1000,
  });
  const seconds = (performance.now() - started) / 1000;
  const answered = statuses[200] ?? 0;
  const failed = REQUESTS_PER_SECOND * SECONDS - answered;
  console.log(
    `${answered} answered (${Math.round(answered / seconds)} a second), ${failed} failed, ${swaps} swaps: ${JSON.stringify(statuses)}`,
  );
  if (failed > 0) process.exitCode = 1;
} finally {
  await gateway.stop();
}
