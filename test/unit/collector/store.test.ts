import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { FIELD_NAMES, FIELDS, readLines } from "../../../tools/servers/collector/fields.ts";
import { linesFrom } from "../../../tools/servers/collector/query/logs.ts";
import { queryTraffic } from "../../../tools/servers/collector/query/traffic.ts";
import { Committer } from "../../../tools/servers/collector/store/commit.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { LineFiles } from "../../../tools/servers/collector/store/line-files.ts";
import { Maintenance } from "../../../tools/servers/collector/store/maintenance.ts";
import { Rejects } from "../../../tools/servers/collector/store/rejects.ts";
import { mend, salvage } from "../../../tools/servers/collector/store/salvage.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { testFolder } from "../../support/collector/start.ts";
import { random } from "../../support/random.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const KEEP = { keepMs: 7 * DAY, keepBytes: 2 ** 30, keepMetricsMs: 30 * DAY, log: pino({ level: "silent" }) };

async function open(options = {}) {
  const folder = await testFolder();
  const database = await Database.open(folder);
  const connection = await database.connect();
  const committer = await Committer.open(connection, { folder, keepMs: 7 * DAY });
  const maintenance = new Maintenance(await database.connect(), {
    ...{ folder, files: new LineFiles(folder), ...KEEP },
    ...options,
  });
  const commit = async (lines: Record<string, unknown>[]) => {
    const path = join(folder, "batch");
    await writeFile(path, toText(lines));
    return committer.commit({ path, offsets: [], ended: [], tooLong: 0 });
  };
  const files = async () =>
    (await readdir(join(folder, "logs"), { recursive: true })).filter((name) => name.endsWith(".parquet"));
  return { folder, database, connection, maintenance, commit, files };
}

const at = (time: number, fields = {}) => logLine({ start_time: new Date(time).toISOString(), ...fields });

it("keeps lines by the hour they began in", async () => {
  const { commit, maintenance, files } = await open();
  const hour = Math.floor(Date.now() / HOUR) * HOUR;
  await commit([at(hour - 1), at(hour - HOUR - 1), at(hour - 2)]);
  expect((await maintenance.files()).map((file) => [file.hour, file.rowCount])).toEqual([
    [hour - 2 * HOUR, 1],
    [hour - HOUR, 2],
  ]);
  expect((await files()).every((name) => /^\d{4}-\d\d-\d\dT\d\d\/\d+-\d+\.parquet$/.test(name))).toBe(true);
});

it("merges small files, loses no line, and readers go on in order", async () => {
  const { commit, maintenance, folder, connection } = await open();
  const sent: unknown[] = [];
  for (let i = 0; i < 40; i++) {
    const lines = [at(Date.now() - 5 * HOUR + i), at(Date.now() - 1_000 + i)];
    sent.push(...lines.map((line) => line.request_id));
    await commit(lines);
  }
  await maintenance.runOnce();
  // The hour that is over is one file; the other has its 40 in two merges of 16 and the rest, or in one of all.
  expect((await maintenance.files()).length).toBeLessThanOrEqual(1 + 2 + 8);
  const read: unknown[] = [];
  for (let next = 1, before = 0; next !== before; ) {
    const page = await linesFrom(connection, new LineFiles(folder), next, 7);
    read.push(...page.lines.map((line) => line.request_id));
    before = next;
    next = page.next;
  }
  expect(read).toEqual(sent);
});

it("rolls traffic up to minutes and keeps its numbers", async () => {
  const { commit, maintenance, connection } = await open();
  await commit(Array.from({ length: 300 }, (_, i) => at(Date.now() - 2 * HOUR + i * 1_000, { duration: i })));
  const query = { range: { from: Date.now() - 3 * HOUR, to: Date.now() }, filters: {}, by: [], step: 60 };
  const before = await queryTraffic(connection, query);
  await maintenance.runOnce();
  const { recent } = await connection.row<{ recent: number }>(
    "SELECT count(*)::DOUBLE AS recent FROM traffic_recent",
  );
  expect(recent).toBe(0);
  expect(await queryTraffic(connection, query)).toEqual(before);
});

it("keeps only so many series apart, whatever clients name", async () => {
  const { commit, maintenance, connection } = await open();
  const time = Math.floor((Date.now() - 2 * HOUR) / 60_000) * 60_000;
  const named = Array.from({ length: 6_000 }, (_, i) => at(time, { taskid: `made-up-${i}` }));
  await commit([...named, ...Array.from({ length: 3 }, () => at(time, { taskid: "666" }))]);
  await maintenance.runOnce();
  const query = { range: { from: time, to: time + 60_000 }, filters: {}, by: ["taskid" as const], step: 0 };
  const { rows } = await queryTraffic(connection, query);
  expect(rows).toHaveLength(5_001);
  expect(rows.find(({ taskid }) => taskid === "other")).toMatchObject({
    requests: 1_001,
    p50: expect.any(Number),
  });
  expect(rows.find(({ taskid }) => taskid === "666")?.requests).toBe(3);
});

it("gives what no filter has seen the reason of Envoy's own check", async () => {
  const { commit, connection, folder } = await open();
  const time = Date.now() - 1000;
  const unseen = {
    start_time: new Date(time).toISOString(),
    response_code: 503,
    response_code_details: "rbac_access_denied_matched_policy[filter_missing]",
  };
  await commit([unseen, at(time, { response_code_details: "via_upstream" })]);
  const query = { range: { from: time - HOUR, to: time + HOUR }, filters: {}, by: [], step: 0 };
  const { rows } = await queryTraffic(connection, query);
  expect(rows).toMatchObject([{ requests: 2, errors: 1, reasons: { filter_missing: 1 } }]);
  const { lines } = await linesFrom(connection, new LineFiles(folder), 1, 7);
  expect(lines.map(({ reason }) => reason)).toContain("filter_missing");
});

it("deletes what is too old, and the oldest of what is too much", async () => {
  const now = Date.now();
  const { commit, maintenance, files } = await open({ keepBytes: 1 });
  await commit([at(now - 6 * DAY)]);
  await commit([at(now - 2 * HOUR)]);
  await maintenance.runOnce(now);
  expect(await maintenance.files()).toEqual([]);
  // Queries that have begun may still read them.
  expect(await files()).toHaveLength(2);
  await maintenance.runOnce(now + 5 * 60_000);
  expect(await files()).toEqual([]);
});

it("refuses lines that are older than what is kept", async () => {
  const { commit } = await open();
  const { accepted, rejected, reasons } = await commit([
    at(Date.now() - 8 * DAY),
    at(Date.now()),
    at(Date.now() + DAY),
  ]);
  expect({ accepted, rejected }).toEqual({ accepted: 1, rejected: 2 });
  expect(reasons.get("out_of_time")).toBe(2);
});

it.each([
  ["durations beyond all sums", { duration: 9e18, bytes_sent: 9e18, bytes_received: -5 }],
  ["negative durations", { duration: -(2 ** 60) }],
])("stores lines with %s, without these values", async (_, fields) => {
  const { commit, folder, connection } = await open();
  const lines = Array.from({ length: 3 }, () => at(Date.now(), { bytes_received: 5, ...fields }));
  expect(await commit(lines)).toMatchObject({ accepted: 3 });
  const page = await linesFrom(connection, new LineFiles(folder), 1, 10);
  expect(page.lines.map((line) => line.duration)).toEqual([undefined, undefined, undefined]);
});

it.each([
  ["no JSON", '{"a":NaN}'],
  ["nested without end", "[".repeat(50_000) + "]".repeat(50_000)],
  ["no object", "7"],
  ["no numbers", '{"a":{"b":1}}'],
])("reads lines whose phases are %s without them", async (_, phases) => {
  const { folder, database, connection } = await open();
  const committer = await Committer.open(await database.connect(), { folder, keepMs: 7 * DAY });
  const path = join(folder, "batch");
  await writeFile(path, toText([at(Date.now(), { phases: 0 })]).replace('"phases":0', `"phases":${phases}`));
  expect(await committer.commit({ path, offsets: [], ended: [], tooLong: 0 })).toMatchObject({ accepted: 1 });
  const { lines } = await linesFrom(connection, new LineFiles(folder), 1, 10);
  expect(JSON.stringify(lines)).not.toContain("phases");
});

it("cuts long values, and reads lines of many of them in smaller pages", async () => {
  const { bytes } = random();
  const { commit, folder, connection } = await open();
  // Eight characters more than are kept of a value.
  const long = () => bytes(4_100).toString("hex");
  const names = FIELD_NAMES.filter((name) => FIELDS[name] === "VARCHAR" && name !== "request_id");
  for (let i = 0; i < 4; i++)
    await commit(
      Array.from({ length: 100 }, () =>
        at(Date.now(), Object.fromEntries(names.slice(0, 20).map((name) => [name, long()]))),
      ),
    );
  let read = 0;
  let pages = 0;
  for (let next = 1; next <= 400; pages++) {
    const page = await linesFrom(connection, new LineFiles(folder), next, 1_000);
    expect(new Set(page.lines.map((line) => String(line.path).length))).toEqual(new Set([8192]));
    read += page.lines.length;
    next = page.next;
  }
  expect(read).toBe(400);
  expect(pages).toBeGreaterThan(1);
});

it.each(["./", "/", "/."])(
  "removes no file that is listed when the folder is written with %s",
  async (extra) => {
    const { commit, folder, files, database } = await open();
    await commit([at(Date.now())]);
    const written = extra === "./" ? `${dirname(folder)}/./${basename(folder)}` : folder + extra;
    const connection = await database.connect();
    await new Maintenance(connection, {
      folder: written,
      files: new LineFiles(written),
      ...KEEP,
    }).removeUnlisted();
    expect(await files()).toHaveLength(1);
  },
);

it("removes no file that is not the store's own", async () => {
  const { commit, maintenance, folder } = await open();
  await commit([at(Date.now())]);
  await mkdir(join(folder, "logs", "2026-11-25"));
  const others = ["access.log", "2026-11-25/7-9.parquet"].map((name) => join(folder, "logs", name));
  for (const path of others) await writeFile(path, "mine");
  await maintenance.removeUnlisted();
  for (const path of others) expect(await readFile(path, "utf8")).toBe("mine");
});

it("deletes what is too old also when files can't be merged", async () => {
  // What want of memory comes to.
  const hungry = { relation: () => "nowhere", setAside: async () => false };
  const { commit, maintenance, files, connection } = await open({ files: hungry });
  for (let i = 0; i < 40; i++) await commit([at(Date.now() - 5 * HOUR)]);
  await commit([at(Date.now() - 6 * DAY)]);
  await expect(maintenance.runOnce(Date.now() + 2 * DAY)).rejects.toThrow();
  const { old } = await connection.row<{ old: number }>(
    "SELECT count(*)::DOUBLE AS old FROM files WHERE last_time < now()::TIMESTAMP - INTERVAL 5 DAY",
  );
  expect(old).toBe(0);
  expect((await files()).length).toBeGreaterThan(0);
});

it("mends a line whatever is nested in it", () => {
  const nested = "[".repeat(200_000) + "]".repeat(200_000);
  const text = (name: string) => `{"start_time":"2026-11-25T10:00:00Z","duration":-,"${name}":${nested}}`;
  const times = { oldest: 0, newest: 1e15 };
  expect(mend(Buffer.from(text("x")), times)).toContain("2026-11-25T10:00:00.000Z");
  expect(mend(Buffer.from(text("tenant")), times)).toMatchObject({ reason: "not_json" });
});

it("removes files that a crash left unlisted", async () => {
  const { commit, folder, maintenance, files } = await open();
  await commit([at(Date.now())]);
  const [name] = await files();
  await writeFile(join(folder, "logs", `${name?.split("/")[0]}`, "77-99.parquet"), "half");
  await maintenance.removeUnlisted();
  expect(await files()).toEqual([name]);
});

it("numbers lines as DuckDB does, whatever stands between them", async () => {
  const { below } = random();
  const { folder, connection } = await open();
  const parts = [
    "",
    " ",
    "\t",
    "\r",
    "\v",
    "\f",
    "x",
    "{",
    "[]",
    "null",
    "\0",
    '{"start_time":1}',
    "\u2028",
    " x",
    "x\r",
  ];
  for (let round = 0; round < 40; round++) {
    const lines = Array.from({ length: 60 }, () => parts[below(parts.length)] as string);
    const mark = below(lines.length);
    lines[mark] = toText([logLine({ taskid: "marked" })]).trimEnd();
    const path = join(folder, "fuzz");
    await writeFile(path, `${lines.join("\n")}\n`);
    const rows = await connection.rows<{ taskid: string | null }>(`SELECT taskid FROM ${readLines(path)}`);
    const number = rows.findIndex(({ taskid }) => taskid === "marked");
    const numbers = (async function* () {
      yield number;
    })();
    const rejects = new Rejects();
    const mended = await salvage(
      path,
      numbers,
      { oldest: 0, newest: Number.MAX_VALUE },
      `${path}.mended`,
      rejects,
    );
    expect([mended, rejects.samples], JSON.stringify(lines)).toEqual([1, []]);
  }
});

it("finds a whole line behind a torn one", () => {
  const line = JSON.stringify(logLine({ phases: { a: 1 } }));
  const times = { oldest: 0, newest: Number.MAX_VALUE };
  for (let cut = 1; cut < line.length - 1; cut += 7)
    expect(JSON.parse(mend(Buffer.from(line.slice(0, cut) + line), times) as string)).toEqual(
      JSON.parse(line),
    );
});

it("reads what a container runtime has put its own time before (CRI)", () => {
  const line = logLine();
  const written = `2026-11-25T00:00:00.123456789Z stdout F ${JSON.stringify(line)}`;
  expect(JSON.parse(mend(Buffer.from(written), { oldest: 0, newest: Number.MAX_VALUE }) as string)).toEqual(
    line,
  );
});
