import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { Command } from "commander";
import { findEnvoy } from "../../tools/envoy/find.ts";
import { accessLogs, accessLogTable } from "./access-log.ts";
import { authentication } from "./auth.ts";
import { type ConversionTable, casesOf, measureCase } from "./conversion/matrix.ts";
import { caseName, conversionTable } from "./conversion/table.ts";
import { headerPath } from "./header-path.ts";
import { limits, limitsTable } from "./limits.ts";
import { armeriaGateway } from "./peers/armeria-gateway.ts";
import { rustFilter } from "./peers/rust-filter.ts";
import { measure, type Row } from "./variants.ts";

interface Table {
  title: string;
  /** What a row's ratio compares with: the name of the native variant. */
  native: string;
  rows: Row[];
}

const options = new Command("bench")
  .description("CPU time of the Envoy process per request: ours beside Envoy's native filters, in one run")
  .argument("[tables...]", "header, auth, limits, log, conversion (default: all)")
  .option("--json <file>", "write the tables as JSON too")
  .option("--rounds <n>", "rounds after the warm-up", "5")
  .option("--full", "conversion: every kind of data at every size (minutes more)")
  .option("--only <text>", "conversion: cases whose name has this text, such as BYTES")
  .option("--envoy <path>", "the Envoy to measure with")
  .parse();
const {
  json,
  rounds,
  full,
  only = "",
  envoy: path,
} = options.opts<{
  json?: string;
  rounds: string;
  full?: boolean;
  only?: string;
  envoy?: string;
}>();
const wanted = options.args.length > 0 ? options.args : ["header", "auth", "limits", "log", "conversion"];
const envoy = await findEnvoy(path);
const tables: Table[] = [];

if (wanted.includes("header")) {
  console.error("header path");
  const rows = await measure(envoy, headerPath(), Number(rounds));
  tables.push({
    title: "Header path",
    native: "native api_key_auth + local_ratelimit + JSON access log",
    rows,
  });
}
if (wanted.includes("auth")) {
  console.error("authentication");
  const rows = await measure(envoy, authentication(), Number(rounds));
  tables.push({ title: "Authentication", native: "native jwt_authn RS256, no cache, one token", rows });
}
const conversions: ConversionTable[] = [];
if (wanted.includes("conversion")) {
  const cases = casesOf(full ?? false).filter((each) => caseName(each).includes(only));
  process.setMaxListeners(0);
  const rust = await rustFilter();
  if ("missing" in rust) console.error(`  without the Rust filter. ${rust.missing}`);
  const armeria = await armeriaGateway();
  if ("missing" in armeria) console.error(`  without the gateway on the JVM. ${armeria.missing}`);
  const peers = {
    envoy,
    rust: "path" in rust ? rust.path : undefined,
    armeria: "path" in armeria ? armeria.path : undefined,
  };
  for (const [i, each] of cases.entries()) {
    console.error(`conversion ${i + 1} of ${cases.length}: ${caseName(each)}`);
    const table = await measureCase(each, Math.min(Number(rounds), 3), peers);
    conversions.push(table);
    console.log(conversionTable(table));
  }
}
const byLimits = wanted.includes("limits") ? await limits(envoy, Number(rounds)) : [];

for (const { title, native, rows } of tables) {
  const base = rows.find(({ name }) => name === native)?.added ?? Number.NaN;
  console.log(`\n${title}: CPU microseconds of Envoy per request`);
  for (const { name, cpuMicroseconds, added } of rows) {
    const ratio = added === 0 ? "" : `${(added / base).toFixed(2)} x native's`;
    console.log(
      `  ${name.padEnd(58)}${cpuMicroseconds.toFixed(1).padStart(10)}  added ${added.toFixed(1).padStart(9)}  ${ratio}`,
    );
  }
}
const byLog = wanted.includes("log") ? await accessLogs(envoy, Number(rounds)) : [];
if (byLimits.length > 0) console.log(limitsTable(byLimits));
if (byLog.length > 0) console.log(accessLogTable(byLog));
if (json) {
  const machine = `${cpus().length} x ${cpus()[0]?.model}`;
  await writeFile(
    json,
    `${JSON.stringify({ date: new Date().toISOString(), machine, tables, conversions, limits: byLimits, log: byLog }, null, 2)}\n`,
  );
}
