import { appendFile, copyFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, type TestCollector, testFolder } from "../../support/collector/start.ts";
import { quiet } from "../../support/pace.ts";

const lines = (count: number, fields = {}) => toText(Array.from({ length: count }, () => logLine(fields)));

async function counted(collector: TestCollector, requests: number): Promise<void> {
  await expect.poll(() => collector.requests()).toBe(requests);
  await quiet(100);
  expect(await collector.requests()).toBe(requests);
}

it("reads what is there, and what comes", async () => {
  const folder = await testFolder();
  await writeFile(join(folder, "a.log"), lines(10));
  const collector = await startTestCollector(folder);
  await counted(collector, 10);
  await appendFile(join(folder, "a.log"), lines(5));
  await writeFile(join(folder, "b.log"), lines(7));
  await counted(collector, 22);
});

it("goes on where it stopped", async () => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  // Without ids, nothing else would keep lines from being counted twice.
  await writeFile(path, lines(10, { request_id: undefined }));
  const first = await startTestCollector(folder);
  await counted(first, 10);
  await first.stop();
  await appendFile(path, lines(3, { request_id: undefined }));
  await counted(await startTestCollector(folder), 13);
});

it("waits for the end of a line", async () => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  const text = lines(1);
  await writeFile(path, lines(1) + text.slice(0, 100));
  const collector = await startTestCollector(folder);
  await counted(collector, 1);
  await appendFile(path, text.slice(100));
  await counted(collector, 2);
});

it("reads a file to its end that is renamed, also while no collector runs", async () => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  await writeFile(path, lines(10, { request_id: undefined }));
  const first = await startTestCollector(folder);
  await counted(first, 10);
  await rename(path, `${path}.1`);
  await appendFile(`${path}.1`, lines(2, { request_id: undefined }));
  await writeFile(path, lines(4, { request_id: undefined }));
  await counted(first, 16);
  await first.stop();
  await appendFile(path, lines(5, { request_id: undefined }));
  await rename(path, `${path}.2`);
  await writeFile(path, lines(1, { request_id: undefined }));
  await counted(await startTestCollector(folder), 22);
});

it("starts anew with a file that is cut (copytruncate), and knows the copy", async () => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  await writeFile(path, lines(50, { request_id: undefined }));
  const collector = await startTestCollector(folder);
  await counted(collector, 50);
  await copyFile(path, join(folder, "a.1.log"));
  await truncate(path, 0);
  await appendFile(path, lines(3, { request_id: undefined }));
  await counted(collector, 53);
  await quiet(1_200);
  await counted(collector, 53);
});

it("knows a file that was cut and has outgrown what was read", async () => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  await writeFile(path, lines(2, { request_id: undefined }));
  const first = await startTestCollector(folder);
  await counted(first, 2);
  await first.stop();
  await writeFile(path, lines(9, { request_id: undefined }));
  await counted(await startTestCollector(folder), 11);
});

it("passes garbage over, and counts it", async () => {
  const folder = await testFolder();
  const whole = lines(1);
  const garbage = [
    "no json",
    "[1]",
    "{}",
    '{"start_time":"yesterday"}',
    '{"start_time":"2001-01-01T00:00:00Z"}',
    "\0\0\0",
  ];
  await writeFile(
    join(folder, "a.log"),
    `${lines(3)}${garbage.join("\n")}\n\n  \n${Buffer.from([0xff, 0xfe]).toString("latin1")}\n${"x".repeat(5 << 20)}\n${whole.slice(0, 80)}${lines(1)}${lines(2)}`,
    "latin1",
  );
  const collector = await startTestCollector(folder);
  await counted(collector, 6);
  const rejected = (reason: string) =>
    collector.metric(`modelgate_collector_rejected_lines_total{reason="${reason}"}`);
  expect(await rejected("not_json")).toBe(4);
  expect(await rejected("no_start_time")).toBe(2);
  expect(await rejected("out_of_time")).toBe(1);
  expect(await rejected("too_long")).toBe(1);
});

it("mends what Envoy and clients make of a line", async () => {
  const folder = await testFolder();
  const text = lines(1);
  const noDuration = text.replace(/"duration":\d+/, '"duration":-');
  const emptyNumber = lines(1).replace(/"bytes_sent":\d+/, '"bytes_sent":');
  const surrogate = lines(1).replace("python-httpx", "\\ud800");
  const badUtf8 = Buffer.concat([
    Buffer.from('{"taskid":"é'),
    Buffer.from([0xc3]),
    Buffer.from(`",${lines(1).slice(1)}`),
  ]);
  await writeFile(
    join(folder, "a.log"),
    Buffer.concat([Buffer.from(noDuration + emptyNumber + surrogate), badUtf8]),
  );
  const collector = await startTestCollector(folder);
  await counted(collector, 4);
  const agents = (await collector.logs()).map((line) => line.user_agent);
  expect(agents).toContain("\ufffd/0.27.0");
});

it("counts a line once that comes twice, and requests with one id apart", async () => {
  const folder = await testFolder();
  const line = logLine();
  const later = { ...line, start_time: new Date(Date.now() - 1_000).toISOString() };
  await writeFile(join(folder, "a.log"), toText([line, line, later]));
  const collector = await startTestCollector(folder);
  await counted(collector, 2);
  await appendFile(join(folder, "a.log"), toText([line, logLine()]));
  await counted(collector, 3);
  expect(await collector.metric("modelgate_collector_duplicate_lines_total")).toBe(2);
});
