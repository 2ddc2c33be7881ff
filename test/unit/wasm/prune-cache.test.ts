import { readdir, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../../tools/lib/temporary-folder.ts";
import { pruneCache } from "../../../tools/lib/wasm/prune-cache.ts";

const HOUR_MS = 3_600_000;
let folder: string;

/** A module of 100 bytes with its map of 50, used some hours ago. */
async function keep(name: string, hoursAgo: number): Promise<void> {
  const used = new Date(Date.now() - hoursAgo * HOUR_MS);
  for (const [file, bytes] of [
    [`${name}.wasm`, 100],
    [`${name}.wasm.map`, 50],
  ] as const) {
    await writeFile(join(folder, file), Buffer.alloc(bytes));
    await utimes(join(folder, file), used, used);
  }
}

const names = async () => (await readdir(folder)).sort();
const prune = (mostBytes: number) => pruneCache(folder, { mostBytes, leastAgeMs: HOUR_MS });

beforeEach(async () => {
  const made = await temporaryFolder(join(tmpdir(), "modelgate-prune-"));
  onTestFinished(() => made.remove());
  folder = made.path;
  for (const [name, hoursAgo] of [
    ["b", 3],
    ["a", 2],
    ["c", 4],
    ["new", 0],
  ] as const)
    await keep(name, hoursAgo);
});

test("what fits stays", async () => {
  await prune(600);
  expect(await names()).toHaveLength(8);
});

test("what was used longest ago goes first, a module with its source map", async () => {
  await prune(450);
  expect(await names()).toEqual(["a.wasm", "a.wasm.map", "b.wasm", "b.wasm.map", "new.wasm", "new.wasm.map"]);
  await prune(301);
  expect(await names()).toEqual(["a.wasm", "a.wasm.map", "new.wasm", "new.wasm.map"]);
});

test("what another process may be reading stays, however much it is", async () => {
  await prune(0);
  expect(await names()).toEqual(["new.wasm", "new.wasm.map"]);
});

test("what a process that ended left half written goes too", async () => {
  await writeFile(join(folder, "half.unfinished"), Buffer.alloc(100));
  const used = new Date(Date.now() - 9 * HOUR_MS);
  await utimes(join(folder, "half.unfinished"), used, used);
  await prune(600);
  expect(await names()).toHaveLength(8);
});

test("several processes may prune at once", async () => {
  await Promise.all(Array.from({ length: 8 }, () => prune(150)));
  expect(await names()).toEqual(["new.wasm", "new.wasm.map"]);
});
