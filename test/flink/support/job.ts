import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { mavenClassPath } from "../../collector/support/parts.ts";

const FLINK = fileURLToPath(new URL("..", import.meta.url));
const STREAM = new URL("../../../manifests/stream/", import.meta.url);
const TABLE = /CREATE TABLE (\w+) \(([\s\S]*?)\n\) WITH \([\s\S]*?\n\);/g;
const JSON_FORMAT = `'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'`;

/** What Flink's own start scripts open to it, as far as a local job needs it. */
const OPENED = [
  "lang",
  "net",
  "io",
  "nio",
  "text",
  "time",
  "util",
  "util.concurrent",
  "util.concurrent.atomic",
].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`);

/** A job as it ships, with folders in place of Kafka and Elasticsearch. */
export async function jobOverFiles(input: string, output: string): Promise<string> {
  const tables = (await stream("tables.sql")).replace(TABLE, (_, name, columns) =>
    name === "log_lines"
      ? files(name, columns, input, ", 'json.ignore-parse-errors' = 'true'")
      : files(name, columns, join(output, name)),
  );
  return `SET 'table.dml-sync' = 'true';\n${tables}\n${await stream("traffic-metrics.sql")}`;
}

/** A job as it ships, with folders in place of Elasticsearch, that ends where the topic ends now. */
export async function jobOverKafka(port: number, output: string): Promise<string> {
  const tables = (await stream("tables.sql"))
    .replace(TABLE, (statement, name, columns) =>
      name === "log_lines" ? statement : files(name, columns, join(output, name)),
    )
    .replace("'kafka:9092'", `'127.0.0.1:${port}', 'scan.bounded.mode' = 'latest-offset'`);
  return `SET 'table.dml-sync' = 'true';\n${tables}\n${await stream("traffic-metrics.sql")}`;
}

/** A job as it ships with its results in Kafka, which goes on until it is stopped. */
export async function endlessJob(port: number): Promise<string> {
  const broker = `'127.0.0.1:${port}'`;
  const files = ["tables.sql", "results-in-kafka.sql", "traffic-metrics.sql"];
  const texts = await Promise.all(files.map(stream));
  return texts.join("\n").replaceAll("'kafka:9092'", broker);
}

/** Runs SQL in Flink's client with a mini cluster in the same process. @throws Error with the client's words */
export async function runFlink(sql: string, folder: string): Promise<string> {
  await configure(folder, {});
  return runClient(`SET 'execution.target' = 'local';\nSET 'parallelism.default' = '1';\n${sql}`, folder);
}

/** Writes Flink's configuration into a folder, where its programs look for it with `FLINK_CONF_DIR`. */
export async function configure(folder: string, settings: Record<string, string | number>): Promise<void> {
  await mkdir(join(folder, "conf"), { recursive: true });
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  await writeFile(join(folder, "conf/config.yaml"), lines.join("") || "{}\n");
}

/** Arguments of `java` for a program of Flink's. */
export async function flinkProgram(memory: string, ...program: string[]): Promise<string[]> {
  return [`-Xmx${memory}`, ...OPENED, "-cp", await mavenClassPath(FLINK), ...program];
}

/** Runs SQL in Flink's client, with the configuration in the folder. @throws Error with the client's words */
export async function runClient(sql: string, folder: string): Promise<string> {
  await writeFile(join(folder, "job.sql"), sql);
  const { stdout } = await promisify(execFile)(
    "java",
    [...(await flinkProgram("1g", "org.apache.flink.table.client.SqlClient")), "-f", join(folder, "job.sql")],
    { env: { ...process.env, FLINK_CONF_DIR: join(folder, "conf") }, maxBuffer: 1 << 26, cwd: folder },
  );
  const fault = stdout.indexOf("[ERROR]");
  if (fault >= 0) throw new Error(stdout.slice(fault));
  return stdout;
}

/** The documents that the job wrote into a table. */
export async function documents<T>(output: string, table: string): Promise<T[]> {
  const parts = await readdir(join(output, table));
  const texts = await Promise.all(parts.map((part) => readFile(join(output, table, part), "utf8")));
  return texts.flatMap((text) => text.split("\n").filter(Boolean)).map((line) => JSON.parse(line));
}

function files(name: string, columns: string, path: string, more = ""): string {
  return `CREATE TABLE ${name} (${columns}\n) WITH ('connector' = 'filesystem', 'path' = 'file://${path}', ${JSON_FORMAT}${more});`;
}

function stream(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(name, STREAM)), "utf8");
}
