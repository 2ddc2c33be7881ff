import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installPython, lackingPython } from "../support/python.ts";

/**
 * Runs the tests with a real language model server and clients that nobody here wrote: those for Python from
 * test/llm/requirements.txt, that for Node from test/llm/node, both installed into .cache/llm. They are
 * skipped, with the reason, where Python is missing or the server has no wheel.
 */

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const NODE_CLIENT = fileURLToPath(new URL("node/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache/llm/", import.meta.url));

/** @returns the URL of the OpenAI client for Node, installed as its lock file says */
function installNodeClient(): string {
  const lock = `${NODE_CLIENT}package-lock.json`;
  const digest = createHash("sha256").update(readFileSync(lock)).digest("hex").slice(0, 12);
  const folder = `${CACHE}node-${digest}`;
  if (!existsSync(`${folder}/installed`)) {
    console.log(`installing ${lock} into ${folder}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(NODE_CLIENT, folder, { recursive: true });
    execFileSync("npm", ["ci", "--silent", "--ignore-scripts"], { cwd: folder, stdio: "inherit" });
    writeFileSync(`${folder}/installed`, "");
  }
  return import.meta.resolve(`${folder}/node_modules/openai/index.mjs`);
}

function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `llama.cpp's server is pinned for Linux on x86-64, this is ${process.platform} ${process.arch}`;
  return lackingPython({ from: 10 });
}

function run(): void {
  const lacking = whyNot();
  if (lacking) {
    console.log(`the tests with a language model are skipped: ${lacking}`);
    return;
  }
  const env = {
    ...process.env,
    LLM_PYTHON: installPython("llm", REQUIREMENTS),
    LLM_NODE_CLIENT: installNodeClient(),
  };
  const args = [VITEST, "run", "--config", CONFIG, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

run();
