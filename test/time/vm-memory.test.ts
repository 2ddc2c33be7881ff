import { expect, it } from "vitest";
import { startTestGateway, stat } from "../support/gateway.ts";
import { settle } from "../support/pace.ts";

const INFER = "/v2/models/linear/infer";
const ROW = [1, 2, 3, 4, 5, 6, 7, 8];
const BODY = JSON.stringify({ inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: ROW }] });

it("gateway.wasm loses none of 3,000 requests, and the VM's memory stays flat", async () => {
  const gateway = await startTestGateway();
  const run = async (count: number) => {
    let left = count;
    let ok = 0;
    const client = async () => {
      while (left-- > 0) if ((await gateway.post(INFER, BODY)).status === 200) ok++;
    };
    await Promise.all(Array.from({ length: 32 }, client));
    await settle(1200);
    return { ok, memory: await stat(gateway.envoy, "vm_memory_bytes") };
  };
  try {
    const warm = await run(1000);
    const after = await run(3_000);
    expect(after.ok).toBe(3_000);
    expect(warm.memory).toBeGreaterThan(0);
    expect(after.memory).toBe(warm.memory);
  } finally {
    await gateway.stop();
  }
});
