import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { scriptPath } from "../../lib/installation.ts";
import { type OwnModuleOptions, ownModuleOf, ownModuleOptions } from "../options/image.ts";

const IMPORTS = scriptPath("tools/local/own-module/test-imports");

export function testCommand(): Command {
  const command = new Command("test").description(
    "Run the tests of a converter, or of a filter of your own (*.test.mts), in Node",
  );
  for (const option of ownModuleOptions("folder of the")) command.addOption(option);
  return command.action(async (options: OwnModuleOptions) => {
    const own = ownModuleOf(options);
    if (!own) return command.error("error: --converter <folder> or --filter <folder> is needed");
    const { folder } = own;
    const files = (await readdir(folder)).filter((file) => file.endsWith(".test.mts"));
    if (files.length === 0) throw new Error(`${folder} has no file *.test.mts`);
    const tests = files.map((file) => join(folder, file));
    // Before Node 22.18 it runs TypeScript only when it is told to.
    const types = process.features.typescript ? [] : ["--experimental-strip-types"];
    const nodeOptions = [...types, "--import", IMPORTS, "--test"];
    const child = spawn(process.execPath, [...nodeOptions, ...tests], { stdio: "inherit" });
    const [code] = (await once(child, "exit")) as [number | null];
    process.exitCode = code ?? 1;
  });
}
