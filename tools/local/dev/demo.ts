import { CLASSES, FEATURES, linear } from "../../serving/model-server/linear-model.ts";
import { type Answer, DemoSteps } from "./demo-steps.ts";
import type { LocalGateway } from "./gateway.ts";

const KEY = "demo-search-key";
const ROWS = 8000;
const BURST = 60;

/**
 * Sends the requests that show what the filters do, and prints what came back.
 * @returns whether all was as it should be
 */
export async function runDemo(gateway: LocalGateway): Promise<boolean> {
  const url = `http://127.0.0.1:${gateway.envoy.port}/v2/models/linear/infer`;
  const features = Float32Array.from({ length: ROWS * FEATURES }, (_, i) => ((i * 7919) % 1000003) / 1e6);
  const body = JSON.stringify({
    inputs: [{ name: "x", shape: [ROWS, FEATURES], datatype: "FP32", data: [...features].map(sixDecimals) }],
  });
  const post = async (key: string, taskid: string): Promise<Answer> => {
    const response = await fetch(url, { method: "POST", headers: { "x-api-key": key, taskid }, body });
    return { status: response.status, text: await response.text() };
  };
  const demo = new DemoSteps(gateway);

  const size = (body.length / 1e6).toFixed(2);
  const good = await demo.step(`A tensor of ${size} MB as JSON, with a good key`, 200, () =>
    post(KEY, "666"),
  );
  const exact = sameFloats(good.text, linear(Float32Array.from(features, sixDecimals)));
  console.log(
    `  ${ROWS * CLASSES} scores compared with the model's own: ${exact ? "all equal" : "DIFFERENT"}\n`,
  );
  await demo.step("The same again, now that Envoy is warm", 200, () => post(KEY, "666"));
  await demo.step("\nWith a bad key", 401, () => post("wrong", "666"));
  await demo.step("\nFor a task that the tenant may not call", 403, () => post(KEY, "667"));
  const small = JSON.stringify({ inputs: [{ name: "x", shape: [0, FEATURES], datatype: "FP32", data: [] }] });
  await demo.burst(`\n${BURST} requests at once, above the limit of the task; the last refusal`, BURST, () =>
    fetch(url, { method: "POST", headers: { "x-api-key": KEY, taskid: "666" }, body: small }),
  );
  await demo.log();
  return exact && demo.passed;
}

function sixDecimals(value: number): number {
  return Number(value.toFixed(6));
}

function sameFloats(reply: string, wanted: Float32Array): boolean {
  const { outputs } = JSON.parse(reply) as { outputs?: { data: number[] }[] };
  const data = outputs?.[0]?.data ?? [];
  return data.length === wanted.length && data.every((value, i) => Math.fround(value) === wanted[i]);
}
