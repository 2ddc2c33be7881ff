import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packImage } from "../../../tools/lib/oci/image.ts";
import { writeLayout } from "../../../tools/lib/oci/layout.ts";

const image = await packImage(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), "compat");
const LAYOUT = ["blobs", "index.json", "oci-layout"];
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "modelgate-layout-"));
});
afterEach(() => rm(root, { recursive: true }));

it("writes into a folder that is new or empty, and over a layout", async () => {
  const folder = join(root, "a", "b");
  await writeLayout(folder, image);
  await writeLayout(folder, image);
  expect((await readdir(folder)).sort()).toEqual(LAYOUT);
  await mkdir(join(root, "empty"));
  await writeLayout(join(root, "empty"), image);
  expect((await readdir(join(root, "empty"))).sort()).toEqual(LAYOUT);
});

it("touches nothing in a folder that holds something else", async () => {
  await writeFile(join(root, "thesis.txt"), "years of work");
  await expect(writeLayout(root, image)).rejects.toThrow(
    `${root}: holds something else than an image layout`,
  );
  expect(await readdir(root)).toEqual(["thesis.txt"]);
});
