import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { CompileCache } from "../../../tools/lib/wasm/compile-cache.ts";

let folder: string;
const cache = () =>
  new CompileCache(join(folder, "cache"), (name) => readFile(join(folder, name), "utf8").catch(() => null));
const out = () => join(folder, "out.wasm");

/** As the compiler does: looks in two places for a source, reads it, writes what comes of it. */
async function compile(entry: string): Promise<void> {
  const inputs = cache();
  const text = (await inputs.read("first/source.ts")) ?? (await inputs.read("source.ts"));
  await writeFile(out(), `compiled ${text}`);
  await writeFile(`${out()}.map`, `map of ${text}`);
  await inputs.keep(entry, out());
  await writeFile(out(), "something else");
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "compile-cache-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "source.ts"), "one");
  await compile("module");
});

test("restores module and source map while the sources are the same", async () => {
  expect(await cache().restore("module", out())).toBe(true);
  expect(await readFile(out(), "utf8")).toBe("compiled one");
  expect(await readFile(`${out()}.map`, "utf8")).toBe("map of one");
});

test("restores nothing for another entry, a changed source, or one that is gone", async () => {
  expect(await cache().restore("another module", out())).toBe(false);
  await writeFile(join(folder, "source.ts"), "two");
  expect(await cache().restore("module", out())).toBe(false);
  await rm(join(folder, "source.ts"));
  expect(await cache().restore("module", out())).toBe(false);
  expect(await readFile(out(), "utf8")).toBe("something else");
});

test("knows earlier runs too, such as those of another checkout or of a change taken back", async () => {
  await writeFile(join(folder, "source.ts"), "two");
  await compile("module");
  for (const text of ["one", "two"]) {
    await writeFile(join(folder, "source.ts"), text);
    expect(await cache().restore("module", out())).toBe(true);
    expect(await readFile(out(), "utf8")).toBe(`compiled ${text}`);
  }
});

test("restores nothing when a file appears where the compiler looked first", async () => {
  await mkdir(join(folder, "first"));
  await writeFile(join(folder, "first/source.ts"), "one");
  expect(await cache().restore("module", out())).toBe(false);
});

test("a module that is restored counts as used, so that it is not pruned soon", async () => {
  const kept = join(folder, "cache");
  const names = await readdir(kept);
  expect(names).toHaveLength(3);
  for (const name of names) await utimes(join(kept, name), 0, 0);
  await cache().restore("module", out());
  for (const name of names)
    expect(Date.now() - (await stat(join(kept, name))).mtimeMs).toBeLessThan(3_600_000);
});
