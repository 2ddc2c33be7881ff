/**
 * Mixed traffic through the real Envoy while its configuration changes every 5 seconds and the filter's build every 30:
 * `npm run test:soak [minutes]`. No request may be lost, no VM made anew, and memory and descriptors must be flat after
 * five minutes. Writes docs/measurements/soak.svg.
 */
import { writeFile } from "node:fs/promises";
import { timeSeriesSvg } from "../../tools/lib/plot/time-series.ts";
import { startModelServer } from "../../tools/serving/model-server/server.ts";
import { pace } from "../support/pace.ts";
import { startSoakGateway } from "./gateway.ts";
import { offerMixture } from "./offer.ts";
import { hangUp, KINDS } from "./traffic.ts";
import { type Sample, sample, slope } from "./watch.ts";

const REQUESTS_PER_SECOND = 150;
const RECONFIGURE_EVERY = 5;
const SWAP_EVERY = 30;
/** Seconds after which memory must be flat, at most half of the time, and by which share it may still grow over the rest. */
const WARM = 300;
const FLAT = 0.05;
/** Callers' connections come and go, so it is the fewest descriptors of a while that must not grow, but by so many. */
const MORE_DESCRIPTORS = 20;
const PICTURE = new URL("../../docs/measurements/soak.svg", import.meta.url);

const minutes = Number(process.argv[2] ?? 30);
const models = await startModelServer();
const gateway = await startSoakGateway(models.port);
const { pid, port, adminPort } = gateway.envoy;
if (pid === undefined) throw new Error("the soak reads /proc of Envoy: run it with a program, not an image");
const over = new AbortController();
const load = offerMixture(port, KINDS, REQUESTS_PER_SECOND, over.signal);
const samples: Sample[] = [];
const start = performance.now();
const end = minutes * 60;
let changes = 0;
let swaps = 0;
console.error(`${minutes} minutes of ${REQUESTS_PER_SECOND} requests a second`);
for (let second = 1; second <= end; second++) {
  await pace(Math.max(0, start + second * 1000 - performance.now()));
  samples.push(await sample(pid, second));
  if (second % SWAP_EVERY === 0) {
    await gateway.swap();
    swaps++;
  } else if (second % RECONFIGURE_EVERY === 0) {
    await gateway.reconfigure();
    changes++;
  }
  if (second % 60 === 0) {
    const { memory, descriptors } = samples.at(-1) as Sample;
    console.error(`${second / 60} min: ${memory.toFixed(1)} MiB, ${descriptors} descriptors`);
  }
}
over.abort();
const counts = await load;
const stats = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=vm_reload`)).text();
hangUp();
await gateway.stop();
models.stop();

const faults: string[] = [];
let sent = 0;
for (const [name, count] of Object.entries(counts)) {
  sent += count.sent;
  const wrong = Object.entries(count.wrong).map(([status, times]) => `${times} x ${status}`);
  console.log(`${name.padEnd(24)} ${String(count.sent).padStart(7)}  ${wrong.join(", ") || "as expected"}`);
  if (wrong.length > 0) faults.push(`${name}: ${wrong.join(", ")}`);
}
const reloads = [...stats.matchAll(/: (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
if (reloads > 0) faults.push(`VMs were made anew:\n${stats}`);
const warm = Math.min(WARM, end / 2);
const settled = samples.filter(({ at }) => at > warm);
const perHour = slope(settled.map(({ at, memory }) => [at / 3600, memory]));
const { memory } = settled[0] as Sample;
const grown = (perHour * (end - warm)) / 3600 / memory;
console.log(`memory: ${memory.toFixed(1)} MiB after ${warm} s, slope ${perHour.toFixed(2)} MiB an hour`);
if (grown > FLAT) faults.push(`memory grew by ${(grown * 100).toFixed(1)} %`);
const fewest = (part: Sample[]) => Math.min(...part.map(({ descriptors }) => descriptors));
const third = Math.ceil(settled.length / 3);
const [atFirst, atLast] = [fewest(settled.slice(0, third)), fewest(settled.slice(-third))];
console.log(`descriptors: ${atFirst} in the first third after that, ${atLast} in the last`);
if (atLast > atFirst + MORE_DESCRIPTORS) faults.push(`descriptors grew from ${atFirst} to ${atLast}`);
console.log(
  `${sent} requests, ${changes} changes of the configuration, ${swaps} of the filter, ${reloads} VMs made anew`,
);
await writeFile(
  PICTURE,
  timeSeriesSvg({
    title: `Envoy's memory over ${minutes} minutes of mixed traffic, ${changes} configurations and ${swaps} filters`,
    x: "minutes",
    y: "MiB resident",
    series: [
      { name: "memory", color: "#0969da", points: samples.map(({ at, memory }) => [at / 60, memory]) },
    ],
  }),
);
for (const fault of faults) console.error(`FAULT ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
