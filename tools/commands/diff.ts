import { Command } from "commander";
import { diffPlan } from "../deploy/diff.ts";
import { plan } from "../deploy/plan.ts";
import type { Target } from "../istio/render.ts";
import { type ConnectOptions, connect, connectOptions } from "../kubernetes/connect.ts";
import { parseReference } from "../oci/reference.ts";
import {
  type ControllerOptions,
  controllerOf,
  controllerOption,
  controllerTokenOption,
  imageOption,
  targetOption,
} from "./render.ts";
import {
  type FileOptions,
  fileOption,
  namespaceOption,
  readUnchecked,
  recursiveOption,
} from "./resources.ts";

interface DiffOptions extends FileOptions, ConnectOptions, ControllerOptions {
  image?: string;
  target: Target;
  prune?: true;
  forceConflicts?: true;
}

/** Exit codes as `kubectl diff` has them: 0 nothing differs, 1 something does, 2 an error. */
export function diffCommand(): Command {
  const command = new Command("diff")
    .description(
      "show what apply would change, by a dry run on the server; exit code 0: nothing, 1: something, 2: an error",
    )
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(controllerOption())
    .addOption(controllerTokenOption())
    .option("--prune", "show what apply --prune would delete")
    .option("--force-conflicts", "as if fields that others have set were taken");
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: DiffOptions) => {
    try {
      process.exitCode = (await diff(options)) ? 1 : 0;
    } catch (error) {
      console.error(`modelgate: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 2;
    }
  });
}

/** @returns whether anything differs */
async function diff(options: DiffOptions): Promise<boolean> {
  const files = await readUnchecked(options);
  const client = await connect(options);
  const image = options.image === undefined ? undefined : parseReference(options.image);
  const planned = await plan(client, files, {
    image,
    target: options.target,
    controller: controllerOf(options),
    prune: options.prune ?? false,
  });
  const { patches, failures } = await diffPlan(client, planned, options.forceConflicts ?? false);
  for (const patch of patches) process.stdout.write(patch);
  if (failures.length > 0) throw new Error(`the server would refuse:\n  ${failures.join("\n  ")}`);
  return patches.length > 0;
}
