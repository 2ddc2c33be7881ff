import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { cachePath } from "../../lib/installation.ts";
import { downloadWheel } from "../../lib/python-wheel.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { MODEL_NAME, randomModel } from "./random-model.ts";

/** llama.cpp with its own HTTP server, as a module for Python 3.10 or newer that needs no other. */
const WHEEL = {
  ...{ name: "xllamacpp", version: "2026.10.11549" },
  sha256: { "linux-x64": "c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261" },
};
const OLDEST_PYTHON = "(3, 10)";
const CONTEXT_TOKENS = 32_768;
/** Requests that it answers at the same time; others wait. */
const SLOTS = 4;
const STOP_TIMEOUT_MS = 5000;

/** Serves the model of the first argument until its standard input ends: it never outlives who started it. */
const PROGRAM = `
import sys
from xllamacpp import CommonParams, Server, llama_pooling_type
params = CommonParams()
params.model.path, params.model_alias = sys.argv[1], {sys.argv[2]}
params.port, params.n_ctx, params.n_parallel = int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
# Threads that wait for each other cost such a small model more than they bring.
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
# The same request has the same answer, whatever came before.
params.cache_prompt = False
params.use_jinja = True
params.endpoint_metrics = params.embedding = True
params.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = Server(params)
print("listening on", server.listening_address, flush=True)
sys.stdin.read()
`;

interface LanguageModelServer {
  port: number;
  /** What the server calls its model. */
  model: string;
  pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * Starts llama.cpp's server, at 127.0.0.1, with a small model of random weights. It speaks OpenAI's API.
 * @param port 0 for a free one
 * @throws Error that says what to install, or with the server's last lines
 */
export async function startLanguageModel(port = 0): Promise<LanguageModelServer> {
  const packages = await fetchServer();
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-model-"));
  const model = join(folder.path, `${MODEL_NAME}.gguf`);
  await writeFile(model, randomModel());
  const numbers = [port, CONTEXT_TOKENS, SLOTS].map(String);
  const child = spawn("python3", ["-c", PROGRAM, model, MODEL_NAME, ...numbers], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const stop = async () => {
    await end(child);
    await folder.remove();
  };
  try {
    return { port: await listening(child), model: MODEL_NAME, pid: child.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @returns the folder of the server's Python module, fetched once, with progress on stderr */
async function fetchServer(): Promise<string> {
  const what = `llama.cpp (${WHEEL.name} ${WHEEL.version})`;
  await checkPython();
  const target = cachePath(`${WHEEL.name}-${WHEEL.version}`);
  if (await stat(target).catch(() => undefined)) return target;
  console.error(`fetching ${what} (34 MB, once) ...`);
  const started = Date.now();
  const wheel = await downloadWheel(WHEEL).catch((error: Error) => {
    throw new Error(
      `no language model server: ${error.message}. It needs Linux on x86-64, and pip for python3`,
    );
  });
  await unpack(wheel, target);
  console.error(`fetched ${what} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return target;
}

async function checkPython(): Promise<void> {
  const test = `import sys; sys.exit(sys.version_info < ${OLDEST_PYTHON})`;
  await promisify(execFile)("python3", ["-c", test]).catch(() => {
    throw new Error(
      "no language model server: it needs python3, 3.10 or newer (Debian python3, python3-pip)",
    );
  });
}

/** A run that is cut off leaves no half folder behind. */
async function unpack(wheel: Uint8Array, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const { path } = await temporaryFolder(`${target}-`);
  for (const [name, bytes] of Object.entries(unzipSync(wheel))) {
    if (name.endsWith("/")) continue;
    await mkdir(join(path, dirname(name)), { recursive: true });
    await writeFile(join(path, name), bytes);
  }
  await rename(path, target);
}

/** @returns the port at which it listens */
async function listening(child: ChildProcess): Promise<number> {
  const last: string[] = [];
  const keep = (line: string) => {
    last.push(line);
    if (last.length > 15) last.shift();
  };
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`llama.cpp's server ended with code ${code}\n${last.join("\n")}`);
  });
  if (child.stderr) createInterface({ input: child.stderr }).on("line", keep);
  const bound = new Promise<number>((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      keep(line);
      const [, at] = /^listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (at !== undefined) resolve(Number(at));
    });
  });
  return Promise.race([bound, failed]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  child.stdin?.end();
  await exited;
  clearTimeout(timer);
}
