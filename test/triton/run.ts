import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installPython, lackingPython } from "../support/python.ts";

/**
 * Runs the tests beside the real Triton Inference Server, installed from test/triton/requirements.txt into
 * .cache/triton. They are
 * skipped, with the reason, where its wheel or Python is missing.
 */

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
/** Those of OpenAI's own client. */
const OPENAI_REQUIREMENTS = fileURLToPath(new URL("../llm/requirements.txt", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
/** Those that numpy 1.26 is built for, which Triton's Python backend needs. */
const VERSIONS = { from: 11, to: 12 };

/** @returns the folder of the virtual environment, or why there is none */
function install(): { folder: string } | { lacking: string } {
  if (process.platform !== "linux" || process.arch !== "x64")
    return {
      lacking: `nvidia-pytriton has wheels for Linux on x86-64, this is ${process.platform} ${process.arch}`,
    };
  const lacking = lackingPython(VERSIONS);
  if (lacking) return { lacking };
  try {
    return { folder: installPython("triton", REQUIREMENTS) };
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? String(error);
    if (said.includes("No matching distribution")) return { lacking: said.trim() };
    throw error;
  }
}

function run(): void {
  const installed = install();
  if ("lacking" in installed) {
    console.log(`the tests beside Triton are skipped: ${installed.lacking}`);
    return;
  }
  const args = [VITEST, "run", "--config", CONFIG, ...process.argv.slice(2)];
  const env = {
    ...process.env,
    TRITON_ENVIRONMENT: installed.folder,
    LLM_PYTHON: installPython("llm", OPENAI_REQUIREMENTS),
  };
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

run();
