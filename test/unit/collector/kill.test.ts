import { appendFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../../tools/lib/temporary-folder.ts";
import { quote } from "../../../tools/servers/collector/fields.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { logLine, modelCall, toText } from "../../support/collector/log-lines.ts";
import { CollectorProcess } from "../../support/collector/process.ts";
import { pace, quiet } from "../../support/pace.ts";
import { random } from "../../support/random.ts";

const KILLS = Number(process.env.MODELGATE_KILLS ?? 5);

let folder: TemporaryFolder;
let collector: CollectorProcess | undefined;
beforeEach(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-collector-"));
});
afterEach(async () => {
  await collector?.end("SIGKILL");
  await folder.remove();
});

it(`counts each line once over ${KILLS} kills at any moment, of a file that is rotated and of batches`, async () => {
  const { next } = random();
  const path = join(folder.path, "access.log");
  const args = [`${path}*`, "--store", join(folder.path, "store"), "--interval", "0.05s"];
  const sent = new Map<string, { from: string; code: number }>();
  let running = true;

  const write = async () => {
    for (let n = 0; running; n++) {
      const lines = Array.from({ length: 500 }, (_, i) =>
        logLine({ response_code: i % 50 === 0 ? 503 : 200 }),
      );
      await appendFile(path, toText(lines));
      for (const line of lines)
        sent.set(line.request_id as string, { from: "file", code: line.response_code as number });
      if (n % 20 === 19) await rename(path, `${path}.${n}`);
      await pace(50);
    }
  };
  // A sender sends a batch again until it is acknowledged, as the contract has it.
  const send = async () => {
    while (running) {
      const lines = Array.from({ length: 300 }, () => modelCall({ taskid: "667" }));
      const body = toText(lines);
      for (let isSent = false; !isSent; ) {
        const response = await fetch(`${collector?.url}/v1/logs`, { method: "POST", body }).catch(
          () => undefined,
        );
        isSent = response?.status === 200;
        if (!isSent) await pace(20);
      }
      for (const line of lines) sent.set(line.request_id as string, { from: "http", code: 200 });
      await pace(50);
    }
  };

  collector = await CollectorProcess.start(args);
  const writers = [write(), send()];
  for (let kill = 0; kill < KILLS; kill++) {
    await pace(50 + next() * 800);
    await collector.end("SIGKILL");
    collector = await CollectorProcess.start(args);
  }
  running = false;
  await Promise.all(writers);

  const count = async (query: string) => {
    const { rows } = await (collector as CollectorProcess).json<{
      rows: { requests: number; codes: Record<string, number>; models?: object }[];
    }>(`/api/v1/traffic?from=1h&step=0&by=${query}`);
    return rows[0] ?? { requests: 0, codes: {} };
  };
  await expect.poll(async () => (await count("")).requests).toBeGreaterThanOrEqual(sent.size);
  await quiet(300);
  const all = [...sent.values()];
  expect((await count("")).requests).toBe(sent.size);
  expect((await count("&taskid=667")).requests).toBe(all.filter(({ from }) => from === "http").length);
  expect((await count("")).codes["503"]).toBe(all.filter(({ code }) => code === 503).length);
  const calls = all.filter(({ from }) => from === "http").length;
  const taken = { calls, input_tokens: 100 * calls, output_tokens: 20 * calls, costs: { EUR: 700 * calls } };
  expect((await count("&taskid=667")).models).toMatchObject(taken);
  const spend = await collector.json<{ rows: object[] }>("/api/v1/spend?from=1h&by=credential");
  expect(spend.rows).toEqual([expect.objectContaining({ credential: "search-batch", ...taken })]);
  await collector.end("SIGTERM");
  const { lines, ids } = await storedLines(join(folder.path, "store"));
  expect(lines).toBe(sent.size);
  expect(ids.size).toBe(lines);
  expect([...ids].every((id) => sent.has(id))).toBe(true);
}, 600_000);

/** What stands in the files that the store lists. */
async function storedLines(store: string): Promise<{ lines: number; ids: Set<string> }> {
  const database = await Database.open(store);
  try {
    return await database.use(async (connection) => {
      const files = await connection.rows<{ path: string }>("SELECT path FROM files");
      const list = files.map(({ path }) => quote(join(store, path))).join(", ");
      const rows = await connection.rows<{ id: string }>(
        `SELECT request_id AS id FROM read_parquet([${list}])`,
      );
      return { lines: rows.length, ids: new Set(rows.map(({ id }) => id)) };
    });
  } finally {
    database.close();
  }
}
