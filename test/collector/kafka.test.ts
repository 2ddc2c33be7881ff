import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { MessagesStreamModes } from "@platformatic/kafka";
import { afterEach, describe, expect, it } from "vitest";
import type { Program } from "../cluster/support/process.ts";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { CollectorProcess } from "../support/collector/process.ts";
import { testFolder } from "../support/collector/start.ts";
import { freePort } from "../support/free-port.ts";
import { pace } from "../support/pace.ts";
import { newConsumer, startBroker } from "./support/kafka-broker.ts";
import { JAVA, lacking } from "./support/parts.ts";

const missing = lacking(JAVA);
if (missing) console.log(`Kafka tests are skipped: ${missing}`);
const TOPIC = "modelgate-logs";

let broker: Program | undefined;
let collector: CollectorProcess | undefined;
afterEach(async () => {
  await collector?.end("SIGKILL");
  await broker?.stop();
});

/** How often each request id is in the topic, once all of `ids` are. */
async function consumed(port: number, ids: Set<string>): Promise<Map<string, number>> {
  const consumer = newConsumer(port);
  const counts = new Map<string, number>();
  const stream = await consumer.consume({ topics: [TOPIC], mode: MessagesStreamModes.EARLIEST });
  for await (const { key, value } of stream) {
    expect((JSON.parse(value as string) as { request_id: string }).request_id).toBe(key);
    counts.set(key as string, (counts.get(key as string) ?? 0) + 1);
    if (counts.size === ids.size) break;
  }
  await consumer.close(true);
  return counts;
}

describe.skipIf(missing)("a real Kafka broker", () => {
  it("gets every line at least once, over kills of the collector and of itself", async () => {
    const folder = await testFolder();
    const port = await freePort();
    broker = await startBroker(join(folder, "kafka"), port);
    const path = join(folder, "a.log");
    const args = [path, "--store", join(folder, "store"), "--kafka", `127.0.0.1:${port}`];
    const ids = new Set<string>();
    const write = async (count: number) => {
      const lines = Array.from({ length: count }, () => logLine());
      await appendFile(path, toText(lines));
      for (const line of lines) ids.add(line.request_id as string);
    };
    await write(8_000);
    collector = await CollectorProcess.start(args);
    await pace(1_500);
    await collector.end("SIGKILL");
    await broker.stop();
    await write(3_000);
    collector = await CollectorProcess.start(args);
    await expect.poll(() => collector?.log.some((line) => line.includes("an export failed"))).toBe(true);
    broker = await startBroker(join(folder, "kafka"), port);
    const counts = await consumed(port, ids);
    expect([...counts.keys()].every((id) => ids.has(id))).toBe(true);
    expect(counts.size).toBe(ids.size);
  });
});
