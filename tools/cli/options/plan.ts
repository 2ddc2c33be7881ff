import type { Command } from "commander";
import type { Resources } from "../../api/cross-check.ts";
import { type Plan, plan } from "../../cluster/deploy/plan.ts";
import type { Target } from "../../cluster/istio/render.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type ConnectOptions, connect } from "../../lib/kubernetes/connect.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import {
  type ControllerOptions,
  controllerOf,
  controllerOption,
  controllerTokenOption,
  imageOption,
  targetOption,
} from "./render.ts";
import {
  allowEmptyOption,
  type FileOptions,
  fileOption,
  namespaceOption,
  readUnchecked,
  recursiveOption,
} from "./resource-files.ts";

/** What `apply` and `diff` both take. */
export interface PlanOptions extends FileOptions, ConnectOptions, ControllerOptions {
  image?: string;
  target: Target;
  prune?: true;
  createNamespaces?: true;
  forceConflicts?: true;
}

/** Adds the options that say what is planned. */
export function withPlanOptions(command: Command): Command {
  return command
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .addOption(allowEmptyOption())
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(controllerOption())
    .addOption(controllerTokenOption());
}

/** Reads the files of `-f`, connects, and plans what would change in the cluster. */
export async function planOf(
  options: PlanOptions,
): Promise<{ files: Resources; client: KubernetesClient; planned: Plan }> {
  const files = await readUnchecked(options);
  const client = await connect(options);
  const image = options.image === undefined ? undefined : parseReference(options.image);
  const planned = await plan(client, files, {
    image,
    target: options.target,
    controller: controllerOf(options),
    prune: options.prune ?? false,
  });
  return { files, client, planned };
}
