import { access, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { Export } from "../../../tools/servers/collector/exports/export.ts";
import { queryLogs } from "../../../tools/servers/collector/query/logs.ts";
import { Committer } from "../../../tools/servers/collector/store/commit.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { type DamagedFile, LineFiles } from "../../../tools/servers/collector/store/line-files.ts";
import { Maintenance } from "../../../tools/servers/collector/store/maintenance.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

const log = pino({ level: "silent" });
const DAMAGE: [string, (file: string) => Promise<void>][] = [
  ["empty", (file) => truncate(file, 0)],
  ["cut off", async (file) => truncate(file, (await readFile(file)).length - 100)],
  [
    "overwritten in the middle",
    async (file) => {
      const bytes = await readFile(file);
      await writeFile(file, bytes.fill(0xa5, 8, bytes.length >> 1));
    },
  ],
  ["gone", (file) => rm(file)],
];

/** Three files of an hour, of two lines each. */
async function threeFiles() {
  const folder = await testFolder();
  const database = await Database.open(folder);
  const connection = await database.connect();
  const committer = await Committer.open(connection, { folder, keepMs: 86_400_000 });
  const time = Date.now() - 7_200_000;
  for (const taskid of ["1", "2", "3"]) {
    const start_time = new Date(time).toISOString();
    await writeFile(
      join(folder, "batch"),
      toText([logLine({ taskid, start_time }), logLine({ taskid, start_time })]),
    );
    await committer.commit({ path: join(folder, "batch"), offsets: [], ended: [], tooLong: 0 });
  }
  const damaged: DamagedFile[] = [];
  const files = new LineFiles(folder, (file) => damaged.push(file));
  const maintenance = new Maintenance(connection, {
    ...{ folder, files, log, keepMs: 86_400_000, keepBytes: 2 ** 30, keepMetricsMs: 86_400_000 },
  });
  const [, second] = await maintenance.files();
  const tasks = async () => {
    const range = { from: time - 1, to: time + 1 };
    const lines = await queryLogs(connection, files, { filters: {}, conditions: [] }, range, 100);
    return [...new Set(lines.map(({ taskid }) => taskid))];
  };
  return { folder, database, connection, files, maintenance, damaged, tasks, path: second?.path ?? "" };
}

describe.each(DAMAGE)("a file of lines that is %s", (_name, damage) => {
  it("is set aside, and the others of its hour answer", async () => {
    const { folder, path, damaged, tasks, maintenance } = await threeFiles();
    await damage(join(folder, path));
    expect(await tasks()).toEqual(["1", "3"]);
    expect(damaged).toEqual([{ path, lines: 2 }]);
    expect((await maintenance.files()).map((file) => file.path)).not.toContain(path);
    if (_name !== "gone") await access(join(folder, `${path}.damaged`));
    expect(await tasks()).toEqual(["1", "3"]);
    expect(damaged).toHaveLength(1);
    await maintenance.removeUnlisted();
    expect(await readdir(join(folder, "logs"), { recursive: true })).toHaveLength(_name === "gone" ? 3 : 4);
  });

  it("holds up no merge of the others", async () => {
    const { folder, path, damaged, tasks, maintenance } = await threeFiles();
    await damage(join(folder, path));
    await maintenance.runOnce();
    await maintenance.runOnce();
    expect(damaged).toEqual([{ path, lines: 2 }]);
    expect(await maintenance.files()).toMatchObject([{ rowCount: 4, level: 1 }]);
    expect(await tasks()).toEqual(["1", "3"]);
  });

  it("holds up no export", async () => {
    const { folder, path, damaged, database, files } = await threeFiles();
    await damage(join(folder, path));
    const sent: unknown[] = [];
    const each = new Export(
      {
        name: "test",
        send: async (lines) => {
          sent.push(...lines.map(({ line }) => line.taskid));
          return 0;
        },
        close: async () => {},
      },
      { database, files, log, counts: { sent() {}, lost() {}, failed() {} } },
    );
    await each.start();
    await expect.poll(() => sent).toEqual(["1", "1", "3", "3"]);
    await each.stop();
    expect(damaged).toHaveLength(1);
  });
});

it("two that read at once set a file aside once", async () => {
  const { folder, path, damaged, files, database } = await threeFiles();
  await truncate(join(folder, path), 0);
  const read = () =>
    database.use((connection) =>
      files.read(connection, "true", (relation) => connection.rows(`SELECT seq FROM ${relation}`)),
    );
  const answers = await Promise.all([read(), read(), read()]);
  expect(answers.map((rows) => rows?.length)).toEqual([4, 4, 4]);
  expect(damaged).toHaveLength(1);
});

it("an error that is no file's sets none aside", async () => {
  const { files, connection, damaged } = await threeFiles();
  const work = () => connection.rows("SELECT nothing FROM nowhere");
  await expect(files.read(connection, "true", work)).rejects.toThrow("nowhere");
  const hungry = () => Promise.reject(new Error("Out of Memory Error"));
  await expect(files.read(connection, "true", hungry)).rejects.toThrow("Memory");
  expect(damaged).toEqual([]);
});

it("a collector says which file is damaged, counts it, and goes on", async () => {
  const folder = await testFolder();
  const said: string[] = [];
  const collector = await startTestCollector(folder, {
    log: pino({ level: "error" }, { write: (line: string) => void said.push(line) }),
  });
  await collector.post(toText([logLine({ taskid: "1" })]));
  await expect.poll(() => collector.requests()).toBe(1);
  const logs = join(folder, "store", "logs");
  const [name = ""] = (await readdir(logs, { recursive: true })).filter((each) => each.endsWith(".parquet"));
  await truncate(join(logs, name), 10);
  await collector.post(toText([logLine({ taskid: "2" })]));
  await expect.poll(() => collector.requests()).toBe(2);
  expect((await collector.logs()).map(({ taskid }) => taskid)).toEqual(["2"]);
  expect(await collector.metric("modelgate_collector_damaged_files_total")).toBe(1);
  expect(await collector.metric("modelgate_collector_damaged_lines_total")).toBe(1);
  expect(said.join("")).toContain(name);
});
