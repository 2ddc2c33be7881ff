#!/usr/bin/env node
import { Command } from "commander";
import { buildCommand } from "./commands/build.ts";
import { devCommand } from "./commands/dev.ts";
import { packCommand } from "./commands/pack.ts";
import { pushCommand } from "./commands/push.ts";
import { renderCommand } from "./commands/render.ts";
import { taskCommand } from "./commands/task.ts";

const program = new Command("modelgate")
  .description("Envoy WebAssembly filters for model-serving gateways: build, pack, push, render, try locally")
  .showHelpAfterError()
  .addCommand(buildCommand())
  .addCommand(devCommand())
  .addCommand(packCommand())
  .addCommand(pushCommand())
  .addCommand(renderCommand())
  .addCommand(taskCommand());

// What a command started ends in handlers of `exit`, wherever a signal finds it.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  await program.parseAsync();
} catch (error) {
  console.error(`modelgate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
