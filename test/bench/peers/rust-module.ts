import { execFile } from "node:child_process";
import { appendFile, cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHE, digestOf, exists, type Peer, reasonOf } from "./cache.ts";

/** Builds the Rust filter into the project's cache, once for each state of its source. */

const SOURCE = fileURLToPath(new URL("./rust-filter", import.meta.url));
const MODULE = "rust_filter.wasm";
const DEBIAN = join(CACHE, "debian");
const execute = promisify(execFile);

/**
 * A module of the crate with these features.
 * @param name of the module in the cache
 */
export async function rustModule(name: string, features: string[]): Promise<Peer> {
  const output = join(CACHE, `${name}-${await digestOf(SOURCE)}.wasm`);
  if (await exists(output)) return { path: output };
  console.error(`  building ${name} in Rust (once)`);
  const folder = join(CACHE, `${name}-${process.pid}`);
  try {
    await mkdir(CACHE, { recursive: true });
    await cp(SOURCE, folder, { recursive: true });
    const hasWasi = await hasTarget("wasm32-wasip1");
    const module = await (hasWasi ? build(folder, features) : buildWithDebian(folder, features));
    await rename(module, output);
    return { path: output };
  } catch (error) {
    return {
      missing: `Rust with the target wasm32-wasip1 is needed, or Debian 12's packages: ${reasonOf(error)}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hasTarget(target: string): Promise<boolean> {
  const { stdout } = await execute("rustc", ["--print", "target-libdir", "--target", target]);
  const files = await readdir(stdout.trim()).catch(() => []);
  return files.some((file) => file.startsWith("libstd-"));
}

/** Arguments of cargo. */
function buildArgs(target: string, features: string[]): string[] {
  return ["build", "--release", "--target", target, "--features", features.join(",")];
}

async function build(folder: string, features: string[]): Promise<string> {
  await execute("cargo", buildArgs("wasm32-wasip1", features), { cwd: folder });
  return join(folder, "target/wasm32-wasip1/release", MODULE);
}

const PACKAGES = [
  "rustc",
  "cargo",
  "libstd-rust-dev",
  "libstd-rust-dev-wasm32",
  "lld-14",
  "libllvm14",
  "libstd-rust-1.63",
];
const CARGO_LIBRARIES = [
  "libssh2-1",
  "libgit2-1.5",
  "libhttp-parser2.9",
  "libmbedcrypto7",
  "libmbedtls14",
  "libmbedx509-1",
];

/** Unpacks the compiler and the standard library that Debian 12 has. */
async function unpackDebian(): Promise<void> {
  if (await exists(DEBIAN)) return;
  const folder = `${DEBIAN}-${process.pid}`;
  try {
    await mkdir(folder);
    await execute("apt-get", ["download", ...PACKAGES, ...CARGO_LIBRARIES], { cwd: folder });
    for (const file of await readdir(folder)) {
      if (file.endsWith(".deb")) await execute("dpkg", ["-x", file, folder], { cwd: folder });
    }
    await rename(folder, DEBIAN);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Debian's cargo cannot read today's registries: that of the machine fetches the crates. */
async function buildWithDebian(folder: string, features: string[]): Promise<string> {
  await unpackDebian();
  const env = { ...process.env, CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS: "fallback" };
  await execute("cargo", ["vendor", "vendor"], { cwd: folder, env });
  await appendFile(
    join(folder, ".cargo/config.toml"),
    '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n',
  );
  const programs = join(DEBIAN, "usr/bin");
  await execute(join(programs, "cargo"), [...buildArgs("wasm32-wasi", features), "--offline"], {
    cwd: folder,
    env: {
      PATH: `${programs}:/usr/bin:/bin`,
      RUSTC: join(programs, "rustc"),
      LD_LIBRARY_PATH: join(DEBIAN, "usr/lib/x86_64-linux-gnu"),
      CARGO_HOME: join(DEBIAN, "cargo"),
    },
  });
  return join(folder, "target/wasm32-wasi/release", MODULE);
}
