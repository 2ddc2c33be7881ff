import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installPython, lackingPython } from "../support/python.ts";

/**
 * Runs the tests of foreign peers: MLServer as an Open Inference server and tritonclient as a client, installed from
 * test/peers/requirements.txt into .cache/peers, anew when that file changes; and the peers of the bench's whole chain.
 */

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CLIENT_TESTS = "peers.test.ts";

function run(): void {
  const needed = lackingPython({ from: 11 });
  if (needed) console.log(`${CLIENT_TESTS} is skipped: ${needed}`);
  const excluded = needed ? ["--exclude", CLIENT_TESTS] : [];
  const args = [VITEST, "run", "--config", CONFIG, ...excluded, ...process.argv.slice(2)];
  const python = needed ? {} : { PEERS_PYTHON: `${installPython("peers", REQUIREMENTS)}/bin/python` };
  const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...python } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

run();
