#!/usr/bin/env node
import { basename } from "node:path";
import { guardOutput } from "../lib/terminal/output.ts";
import { reasonOf } from "./output/missing-package.ts";
import { makeProgram } from "./program.ts";
import { versions } from "./versions.ts";

guardOutput();

// As a program that SIGPIPE ends: whoever read the output, such as head, has enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(141);
});

// What a command started ends in handlers of `exit`, wherever a signal finds it.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  const args = process.argv.slice(2);
  if (["-V", "--version"].includes(args[0] ?? "")) console.log(await versions());
  else await (await makeProgram(args, programName())).parseAsync();
} catch (error) {
  console.error(`modelgate: ${reasonOf(error)}`);
  process.exitCode = 1;
}

/** kubectl runs `kubectl-modelgate` for `kubectl modelgate` (kubectl's plug-ins). */
function programName(): string {
  return /^kubectl-modelgate(\.\w+)?$/.test(basename(process.argv[1] ?? ""))
    ? "kubectl modelgate"
    : "modelgate";
}
