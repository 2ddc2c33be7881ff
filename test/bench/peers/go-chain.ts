import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHE, digestOf, exists, type Peer, reasonOf } from "./cache.ts";

/**
 * The whole chain in Go: built into the project's cache, once for each state of its source. Its plug-in configuration is a
 * `ChainConfig`.
 */

const SOURCE = fileURLToPath(new URL("./go-filter", import.meta.url));
const TARGET = { GOOS: "wasip1", GOARCH: "wasm", GOTOOLCHAIN: "local" };

export async function goChain(): Promise<Peer> {
  const output = join(CACHE, `go-chain-${await digestOf(SOURCE)}.wasm`);
  if (await exists(output)) return { path: output };
  console.error("  building go-chain in Go (once)");
  const module = `${output}-${process.pid}`;
  try {
    await mkdir(CACHE, { recursive: true });
    const args = ["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", module];
    await promisify(execFile)("go", args, { cwd: SOURCE, env: { ...process.env, ...TARGET } });
    await rename(module, output);
    return { path: output };
  } catch (error) {
    return { missing: `Go 1.26 is needed: ${reasonOf(error)}` };
  } finally {
    await rm(module, { force: true });
  }
}
