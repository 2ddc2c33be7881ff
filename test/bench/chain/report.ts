import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import type { ChainResult } from "./chain.ts";
import { addedChart, latencyChart } from "./charts.ts";
import type { Environment } from "./environment.ts";
import { chainMarkdown } from "./markdown.ts";

export interface ChainReport extends ChainResult {
  environment: Environment;
}

/** What an earlier run wrote with `--json`; none when there is no such file. */
export async function readReport(file: string): Promise<ChainReport | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { chain?: ChainReport }).chain;
}

/** The tables alone, without pictures. */
export async function writeMarkdown(report: ChainReport, file: string): Promise<void> {
  await writeFile(file, chainMarkdown(report, report.environment, []));
}

/** Writes docs/measurements/bench.md and the pictures that it shows. */
export async function writeDocuments(report: ChainReport): Promise<void> {
  const pictures = { "bench-added-cpu.svg": addedChart(report), "bench-latency.svg": latencyChart(report) };
  const inDocs = (name: string) => fileURLToPath(new URL(`docs/measurements/${name}`, PROJECT_ROOT));
  for (const [name, picture] of Object.entries(pictures)) await writeFile(inDocs(name), picture);
  await writeFile(inDocs("bench.md"), chainMarkdown(report, report.environment, Object.keys(pictures)));
}
