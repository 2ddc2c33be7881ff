import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Runs the stream job on Flink's mini cluster. Flink comes from Maven into .cache/flink, anew when pom.xml changes. */

const POM = fileURLToPath(new URL("pom.xml", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const NEEDED = { java: ["-version", "Java 17 (Debian default-jre-headless)"], mvn: ["-v", "Debian maven"] };

function missing(): string[] {
  return Object.entries(NEEDED)
    .filter(([program, [flag]]) => spawnSync(program, [flag as string], { stdio: "ignore" }).status !== 0)
    .map(([, [, source]]) => source as string);
}

/** @returns the folder of Flink's jars */
function install(): string {
  const digest = createHash("sha256").update(readFileSync(POM)).digest("hex").slice(0, 12);
  const parent = fileURLToPath(new URL("../../.cache/flink/", import.meta.url));
  const folder = `${parent}${digest}`;
  if (existsSync(folder)) return folder;
  console.log(`installing Flink into ${folder}`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const options = ["-q", "-B", "-f", POM, "-DincludeScope=runtime", `-DoutputDirectory=${partial}`];
  execFileSync("mvn", [COPY, ...options], { stdio: "inherit" });
  renameSync(partial, folder);
  return folder;
}

function run(): void {
  const lacking = missing();
  if (lacking.length > 0) {
    console.log(`stream job tests are skipped: install ${lacking.join(", ")}`);
    return;
  }
  const child = spawn(process.execPath, [VITEST, "run", "--config", CONFIG, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, FLINK_LIB: install() },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

run();
