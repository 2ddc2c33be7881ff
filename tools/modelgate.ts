#!/usr/bin/env node
import { Command } from "commander";
import { buildCommand } from "./commands/build.ts";
import { devCommand } from "./commands/dev.ts";

const program = new Command("modelgate")
  .description("Envoy WebAssembly filters for model-serving gateways: build, pack, push, render, try locally")
  .showHelpAfterError()
  .addCommand(buildCommand())
  .addCommand(devCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(`modelgate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
