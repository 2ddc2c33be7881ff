import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { Chunk } from "../../../tools/servers/collector/input/chunk.ts";
import { FollowedFiles } from "../../../tools/servers/collector/input/followed-files.ts";
import type { Input } from "../../../tools/servers/collector/input/input.ts";
import { Spool } from "../../../tools/servers/collector/input/spool.ts";
import { testFolder } from "../../support/collector/start.ts";

/** Everything that an input gives. */
async function taken(input: Input, folder: string): Promise<string> {
  const chunk = await Chunk.create(join(folder, "chunk"));
  await input.take(chunk);
  await chunk.close();
  return readFile(chunk.path, "utf8");
}

it.each(["file", "http"])("lines from %s that could not be put together are taken again", async (kind) => {
  const folder = await testFolder();
  const path = join(folder, "a.log");
  const spool = await Spool.open(join(folder, "spool"), 2 ** 30, []);
  const input = kind === "http" ? spool : new FollowedFiles([path], [], pino({ level: "silent" }));
  const write = (text: string) =>
    kind === "http" ? spool.append(Buffer.from(text)) : appendFile(path, text);
  await write("one\n");
  expect(await taken(input, folder)).toBe("one\n");
  await input.committed();
  await write("two\n");
  await taken(input, folder);
  await input.rewind();
  await write("three\n");
  expect(await taken(input, folder)).toBe("two\nthree\n");
  await input.committed();
  expect(await taken(input, folder)).toBe("");
  await input.close();
  if (kind === "file") await spool.close();
});
