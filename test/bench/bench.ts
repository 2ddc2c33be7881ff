import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { Command } from "commander";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { accessLogs, accessLogTable } from "./access-log.ts";
import { authentication } from "./auth.ts";
import { chain } from "./chain/chain.ts";
import { environmentOf } from "./chain/environment.ts";
import { type ChainReport, readReport, writeDocuments, writeMarkdown } from "./chain/report.ts";
import { chainText } from "./chain/text.ts";
import { type ConversionTable, casesOf, measureCase } from "./conversion/matrix.ts";
import { caseName, conversionTable } from "./conversion/table.ts";
import { headerPath } from "./header-path.ts";
import { language, languageTable } from "./language.ts";
import { limits, limitsTable } from "./limits.ts";
import { nativeCheck } from "./native-check.ts";
import { armeriaGateway } from "./peers/armeria-gateway.ts";
import { rustFilter } from "./peers/rust-filter.ts";
import { routing } from "./routing.ts";
import { measure, type Row } from "./variants.ts";

interface Table {
  title: string;
  /** What a row's ratio compares with: the name of the native variant. */
  native: string;
  rows: Row[];
}

const options = new Command("bench")
  .description("CPU time of the Envoy process per request: ours beside Envoy's native filters, in one run")
  .argument(
    "[tables...]",
    "header, auth, routing, check, limits, log, language, conversion, chain (default: all)",
  )
  .option("--json <file>", "write the tables as JSON too")
  .option("--rounds <n>", "rounds after the warm-up (default: 5; chain: 3)")
  .option(
    "--full",
    "conversion: every kind of data at every size (minutes more); chain: every cell (an hour)",
  )
  .option("--only <text>", "conversion, chain: cases whose name has this text, such as BYTES")
  .option("--resume", "chain: keep what the JSON file of an earlier run has, measure the rest")
  .option("--markdown <file>", "chain: write the tables as Markdown too")
  .option("--docs", "chain: write docs/measurements/bench.md and its pictures")
  .option("--envoy <path>", "the Envoy to measure with")
  .parse();
const {
  json,
  rounds,
  full,
  only = "",
  envoy: path,
  resume,
  markdown,
  docs,
} = options.opts<{
  json?: string;
  rounds?: string;
  resume?: boolean;
  markdown?: string;
  docs?: boolean;
  full?: boolean;
  only?: string;
  envoy?: string;
}>();
if (resume && !json) options.error("--resume needs --json <file>: the file of the earlier run");
const roundsOr = (standard: number) => Number(rounds ?? standard);
const wanted =
  options.args.length > 0
    ? options.args
    : ["header", "auth", "routing", "check", "limits", "log", "language", "conversion", "chain"];
const envoy = await findEnvoy(path);
const tables: Table[] = [];

if (wanted.includes("header")) {
  console.error("header path");
  const rows = await measure(envoy, headerPath(), roundsOr(5));
  tables.push({
    title: "Header path",
    native: "native api_key_auth + local_ratelimit + JSON access log",
    rows,
  });
}
if (wanted.includes("auth")) {
  console.error("authentication");
  const rows = await measure(envoy, authentication(), roundsOr(5));
  tables.push({ title: "Authentication", native: "native jwt_authn RS256, no cache, one token", rows });
}
if (wanted.includes("routing")) {
  console.error("routing");
  const rows = await measure(envoy, routing(), roundsOr(5));
  tables.push({ title: "Routing, one of so many tasks", native: "5,000 tasks, Istio's routes", rows });
}
if (wanted.includes("check")) {
  console.error("native check");
  const rows = await measure(envoy, await nativeCheck(), roundsOr(11));
  tables.push({ title: "Native check behind the filter", native: "filter state, RBAC by policy", rows });
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
    const table = await measureCase(each, Math.min(roundsOr(5), 3), peers);
    conversions.push(table);
    console.log(conversionTable(table));
  }
}
const byLimits = wanted.includes("limits") ? await limits(envoy, roundsOr(5)) : [];

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
const byLog = wanted.includes("log") ? await accessLogs(envoy, roundsOr(5)) : [];
if (byLimits.length > 0) console.log(limitsTable(byLimits));
if (byLog.length > 0) console.log(accessLogTable(byLog));
const byLanguage = wanted.includes("language") ? await language(envoy, roundsOr(7)) : [];
if (byLanguage.length > 0) console.log(languageTable(byLanguage));
let chained: ChainReport | undefined;
if (wanted.includes("chain")) {
  console.error("the whole chain");
  const environment = await environmentOf(envoy);
  const known = resume && json ? await readReport(json) : undefined;
  const result = await chain(envoy, {
    ...{ rounds: roundsOr(3), full: full ?? false, only, known },
    onProgress: async (soFar) => {
      if (json) await writeFile(json, `${JSON.stringify({ chain: { environment, ...soFar } }, null, 2)}\n`);
    },
  });
  chained = { environment, ...result };
  console.log(chainText(result));
  if (markdown) await writeMarkdown(chained, markdown);
  if (docs) await writeDocuments(chained);
}
if (json) {
  const machine = `${cpus().length} x ${cpus()[0]?.model}`;
  await writeFile(
    json,
    `${JSON.stringify({ date: new Date().toISOString(), machine, tables, conversions, limits: byLimits, log: byLog, language: byLanguage, chain: chained }, null, 2)}\n`,
  );
}
