import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { scriptPath } from "../../lib/installation.ts";

const IMPORTS = scriptPath("tools/local/converter/test-imports");

export function testCommand(): Command {
  return new Command("test")
    .description("Run the tests of a converter (*.test.mts) in Node")
    .requiredOption("--converter <folder>", "folder of the converter")
    .action(async ({ converter }: { converter: string }) => {
      const files = (await readdir(converter)).filter((file) => file.endsWith(".test.mts"));
      if (files.length === 0) throw new Error(`${converter} has no file *.test.mts`);
      const tests = files.map((file) => join(converter, file));
      // Before Node 22.18 it runs TypeScript only when it is told to.
      const types = process.features.typescript ? [] : ["--experimental-strip-types"];
      const options = [...types, "--import", IMPORTS, "--test"];
      const child = spawn(process.execPath, [...options, ...tests], { stdio: "inherit" });
      const [code] = (await once(child, "exit")) as [number | null];
      process.exitCode = code ?? 1;
    });
}
