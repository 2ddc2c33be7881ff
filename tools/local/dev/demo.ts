import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMicroseconds } from "../../lib/envoy/cpu.ts";
import { CLASSES, FEATURES, linear } from "../../serving/model-server/linear-model.ts";
import type { LocalGateway } from "./gateway.ts";

const KEY = "demo-search-key";
const ROWS = 8000;
const BURST = 60;
/** Longer than Envoy keeps access log lines before it writes them out. */
const LOG_FLUSH_MS = 300;

interface Answer {
  status: number;
  text: string;
}

/**
 * Sends the requests that show what the filters do, and prints what came back.
 * @returns whether all was as it should be
 */
export async function runDemo({ envoy, accessLog }: LocalGateway): Promise<boolean> {
  const url = `http://127.0.0.1:${envoy.port}/v2/models/linear/infer`;
  const features = Float32Array.from({ length: ROWS * FEATURES }, (_, i) => ((i * 7919) % 1000003) / 1e6);
  const body = JSON.stringify({
    inputs: [{ name: "x", shape: [ROWS, FEATURES], datatype: "FP32", data: [...features].map(sixDecimals) }],
  });
  const post = async (key: string, taskid: string): Promise<Answer> => {
    const response = await fetch(url, { method: "POST", headers: { "x-api-key": key, taskid }, body });
    return { status: response.status, text: await response.text() };
  };
  const results: boolean[] = [];
  const step = async (title: string, wanted: number, send: () => Promise<Answer>): Promise<Answer> => {
    const cpu = envoy.pid && (await cpuMicroseconds(envoy.pid));
    const started = performance.now();
    const answer = await send();
    const ms = (performance.now() - started).toFixed(1);
    const used = envoy.pid && cpu !== undefined && (await cpuMicroseconds(envoy.pid)) - cpu;
    const cost = used ? ` (Envoy used ${(used / 1000).toFixed(1)} ms of CPU)` : "";
    results.push(answer.status === wanted);
    console.log(`${title}\n  ${answer.status} in ${ms} ms${cost}`);
    console.log(`  ${answer.text.trim().slice(0, 160)}`);
    return answer;
  };

  const size = (body.length / 1e6).toFixed(2);
  const good = await step(`A tensor of ${size} MB as JSON, with a good key`, 200, () => post(KEY, "666"));
  const exact = sameFloats(good.text, linear(Float32Array.from(features, sixDecimals)));
  console.log(
    `  ${ROWS * CLASSES} scores compared with the model's own: ${exact ? "all equal" : "DIFFERENT"}\n`,
  );
  await step("The same again, now that Envoy is warm", 200, () => post(KEY, "666"));
  await step("\nWith a bad key", 401, () => post("wrong", "666"));
  await step("\nFor a task that the tenant may not call", 403, () => post(KEY, "667"));
  let counts = "";
  await step(`\n${BURST} requests at once, above the limit of the task; the last refusal`, 429, async () => {
    const small = JSON.stringify({
      inputs: [{ name: "x", shape: [0, FEATURES], datatype: "FP32", data: [] }],
    });
    const send = () =>
      fetch(url, { method: "POST", headers: { "x-api-key": KEY, taskid: "666" }, body: small });
    const answers = await Promise.all(Array.from({ length: BURST }, send));
    const refused = answers.filter((response) => response.status === 429);
    const texts = await Promise.all(answers.map((response) => response.text()));
    counts = `  ${answers.length - refused.length} answered, ${refused.length} refused`;
    const last = answers.findLastIndex((response) => response.status === 429);
    return { status: answers[last]?.status ?? 0, text: texts[last] ?? "" };
  });

  console.log(counts);

  await sleep(LOG_FLUSH_MS);
  const lines = (await readFile(accessLog, "utf8")).trim().split("\n");
  console.log(`\nThe access log, its first 4 of ${lines.length} lines`);
  for (const line of lines.slice(0, 4)) console.log(`  ${line}`);
  return exact && results.every(Boolean);
}

function sixDecimals(value: number): number {
  return Number(value.toFixed(6));
}

function sameFloats(reply: string, wanted: Float32Array): boolean {
  const { outputs } = JSON.parse(reply) as { outputs?: { data: number[] }[] };
  const data = outputs?.[0]?.data ?? [];
  return data.length === wanted.length && data.every((value, i) => Math.fround(value) === wanted[i]);
}
