import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Program } from "../cluster/support/process.ts";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { CollectorProcess } from "../support/collector/process.ts";
import { testFolder } from "../support/collector/start.ts";
import { freePort } from "../support/free-port.ts";
import { pace } from "../support/pace.ts";
import { startOpenSearch } from "./support/opensearch.ts";
import { JAVA, lacking } from "./support/parts.ts";

const missing = lacking(JAVA);
if (missing) console.log(`OpenSearch tests are skipped: ${missing}`);

let node: Program | undefined;
let collector: CollectorProcess | undefined;
afterEach(async () => {
  await collector?.end("SIGKILL");
  await node?.stop();
});

describe.skipIf(missing)("a real OpenSearch node", () => {
  it("has each line once, however often it is sent", async () => {
    const folder = await testFolder();
    const port = await freePort();
    node = await startOpenSearch(join(folder, "opensearch"), port);
    const url = `http://127.0.0.1:${port}`;
    const path = join(folder, "a.log");
    const args = [path, "--store", join(folder, "store"), "--elasticsearch", url];
    const count = async () => {
      await fetch(`${url}/modelgate-logs-*/_refresh`, { method: "POST" });
      return ((await (await fetch(`${url}/modelgate-logs-*/_count`)).json()) as { count: number }).count;
    };
    await appendFile(path, toText(Array.from({ length: 6_000 }, () => logLine())));
    collector = await CollectorProcess.start(args);
    await pace(1_500);
    await collector.end("SIGKILL");
    collector = await CollectorProcess.start(args);
    await expect.poll(count, { timeout: 60_000 }).toBe(6_000);
    // A new store sends all of it again.
    await collector.end("SIGTERM");
    await rm(join(folder, "store"), { recursive: true });
    await appendFile(path, toText([logLine({ taskid: "last" })]));
    collector = await CollectorProcess.start(args);
    await expect.poll(count, { timeout: 60_000 }).toBe(6_001);
    const found = await fetch(`${url}/modelgate-logs-*/_search?q=taskid:last`);
    const { hits } = (await found.json()) as { hits: { hits: { _source: object }[] } };
    expect(hits.hits[0]?._source).toMatchObject({ taskid: "last", tenant: "search", response_code: 200 });
  });
});
