import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHE, exists } from "./cache.ts";

/** Builds the Rust filter with serde_json into the project's cache, once. */

const SOURCE = fileURLToPath(new URL("./serde-json-filter", import.meta.url));
const MODULE = "serde_json_filter.wasm";
const OUTPUT = join(CACHE, "serde-json-filter.wasm");
const execute = promisify(execFile);

/** Where the module is, or why there is none. */
export async function rustFilter(): Promise<{ path: string } | { missing: string }> {
  if (await exists(OUTPUT)) return { path: OUTPUT };
  console.error("  building the Rust filter (once)");
  try {
    const folder = join(CACHE, "serde-json-filter");
    await rm(folder, { recursive: true, force: true });
    await mkdir(CACHE, { recursive: true });
    await cp(SOURCE, folder, { recursive: true });
    await copyFile(
      (await hasTarget("wasm32-wasip1")) ? await build(folder) : await buildWithDebian(folder),
      OUTPUT,
    );
    return { path: OUTPUT };
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    return { missing: `Rust with the target wasm32-wasip1 is needed, or Debian 12's packages: ${reason}` };
  }
}

async function hasTarget(target: string): Promise<boolean> {
  const { stdout } = await execute("rustc", ["--print", "target-libdir", "--target", target]);
  const files = await readdir(stdout.trim()).catch(() => []);
  return files.some((file) => file.startsWith("libstd-"));
}

async function build(folder: string): Promise<string> {
  await execute("cargo", ["build", "--release", "--target", "wasm32-wasip1"], { cwd: folder });
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

/**
 * Builds with the compiler and the standard library that Debian 12 has, unpacked beside the source. Its cargo cannot read
 * today's registries: that of the machine fetches the crates.
 */
async function buildWithDebian(folder: string): Promise<string> {
  const root = join(CACHE, "debian");
  await mkdir(root, { recursive: true });
  await execute("apt-get", ["download", ...PACKAGES, ...CARGO_LIBRARIES], { cwd: root });
  for (const file of await readdir(root)) {
    if (file.endsWith(".deb")) await execute("dpkg", ["-x", file, root], { cwd: root });
  }
  const env = { ...process.env, CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS: "fallback" };
  await execute("cargo", ["vendor", "vendor"], { cwd: folder, env });
  await mkdir(join(folder, ".cargo"));
  await writeFile(
    join(folder, ".cargo/config.toml"),
    '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n',
  );
  const programs = join(root, "usr/bin");
  await execute(join(programs, "cargo"), ["build", "--release", "--offline", "--target", "wasm32-wasi"], {
    cwd: folder,
    env: {
      PATH: `${programs}:/usr/bin:/bin`,
      RUSTC: join(programs, "rustc"),
      LD_LIBRARY_PATH: join(root, "usr/lib/x86_64-linux-gnu"),
      CARGO_HOME: join(root, "cargo"),
    },
  });
  return join(folder, "target/wasm32-wasi/release", MODULE);
}
