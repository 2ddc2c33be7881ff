import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Runs the tests of foreign peers: MLServer as an Open Inference server and tritonclient as a client, installed from
 * test/peers/requirements.txt into .cache/peers, anew when that file changes; and the peers of the bench's whole chain.
 */

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CLIENT_TESTS = "peers.test.ts";
const PROBE = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

function lacking(): string | undefined {
  const { error, status, stderr } = spawnSync("python3", ["-c", PROBE], { encoding: "utf8" });
  if (error) return "install Python 3.11 or newer (Debian python3, python3-venv)";
  if (status === 0) return undefined;
  return stderr ? "install venv and pip for python3 (Debian python3-venv)" : "install Python 3.11 or newer";
}

/** @returns the folder of the virtual environment */
function install(): string {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 12);
  const parent = fileURLToPath(new URL("../../.cache/peers/", import.meta.url));
  const folder = `${parent}${digest}`;
  if (existsSync(`${folder}/installed`)) return folder;
  console.log(`installing the peers into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  execFileSync("python3", ["-m", "venv", folder]);
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
  execFileSync(`${folder}/bin/python`, ["-m", "pip", "install", ...options, "-r", REQUIREMENTS], {
    stdio: "inherit",
  });
  writeFileSync(`${folder}/installed`, "");
  return folder;
}

function run(): void {
  const needed = lacking();
  if (needed) console.log(`${CLIENT_TESTS} is skipped: ${needed}`);
  const excluded = needed ? ["--exclude", CLIENT_TESTS] : [];
  const args = [VITEST, "run", "--config", CONFIG, ...excluded, ...process.argv.slice(2)];
  const python = needed ? {} : { PEERS_PYTHON: `${install()}/bin/python` };
  const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...python } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

run();
