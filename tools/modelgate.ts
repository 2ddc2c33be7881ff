#!/usr/bin/env node
import { Command } from "commander";
import { applyCommand } from "./commands/apply.ts";
import { buildCommand } from "./commands/build.ts";
import { collectorCommand } from "./commands/collector.ts";
import { completionCommand } from "./commands/completion.ts";
import { controllerCommand } from "./commands/controller.ts";
import { credentialsCommand } from "./commands/credentials.ts";
import { deleteCommand } from "./commands/delete.ts";
import { devCommand } from "./commands/dev.ts";
import { diffCommand } from "./commands/diff.ts";
import { drainCommand } from "./commands/drain.ts";
import { explainCommand } from "./commands/explain.ts";
import { getCommand } from "./commands/get.ts";
import { installCommand } from "./commands/install.ts";
import { loadtestCommand } from "./commands/loadtest.ts";
import { logsCommand } from "./commands/logs.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { newCommand } from "./commands/new.ts";
import { packCommand } from "./commands/pack.ts";
import { pushCommand } from "./commands/push.ts";
import { renderCommand } from "./commands/render.ts";
import { rolloutCommand } from "./commands/rollout.ts";
import { signCommand } from "./commands/sign.ts";
import { statusCommand } from "./commands/status.ts";
import { taskCommand } from "./commands/task.ts";
import { testCommand } from "./commands/test.ts";
import { topCommand } from "./commands/top.ts";
import { uninstallCommand } from "./commands/uninstall.ts";
import { validateCommand } from "./commands/validate.ts";
import { verifyCommand } from "./commands/verify.ts";
import { warmupCommand } from "./commands/warmup.ts";

const program = new Command("modelgate")
  .description("Envoy WebAssembly filters for model-serving gateways, and the tooling that ships them")
  .showHelpAfterError()
  .addCommand(buildCommand())
  .addCommand(controllerCommand())
  .addCommand(collectorCommand())
  .addCommand(topCommand())
  .addCommand(logsCommand())
  .addCommand(metricsCommand())
  .addCommand(devCommand())
  .addCommand(packCommand())
  .addCommand(pushCommand())
  .addCommand(renderCommand())
  .addCommand(validateCommand())
  .addCommand(diffCommand())
  .addCommand(applyCommand())
  .addCommand(getCommand())
  .addCommand(statusCommand())
  .addCommand(deleteCommand())
  .addCommand(credentialsCommand())
  .addCommand(taskCommand())
  .addCommand(rolloutCommand())
  .addCommand(signCommand())
  .addCommand(verifyCommand())
  .addCommand(installCommand())
  .addCommand(uninstallCommand())
  .addCommand(newCommand())
  .addCommand(testCommand())
  .addCommand(warmupCommand())
  .addCommand(drainCommand())
  .addCommand(loadtestCommand())
  .addCommand(explainCommand())
  .addCommand(completionCommand());

// As a program that SIGPIPE ends: whoever read the output, such as head, has enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(141);
});

// What a command started ends in handlers of `exit`, wherever a signal finds it.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  await program.parseAsync();
} catch (error) {
  console.error(`modelgate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
