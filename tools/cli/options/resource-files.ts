import { Option } from "commander";
import { byKind, crossCheck, type Resources } from "../../api/cross-check.ts";
import { InvalidResources } from "../../api/fault.ts";
import { loadResources } from "../../api/load.ts";
import { checkWithFilter } from "../../cluster/oracle/filter-faults.ts";

export interface FileOptions {
  filename: string[];
  recursive?: true;
  namespace?: string;
  allowEmpty?: true;
}

export function fileOption(): Option {
  return new Option("-f, --filename <path...>", "files or folders of Tenants and ModelTasks; - for stdin");
}

export function recursiveOption(): Option {
  return new Option("-R, --recursive", "include subfolders");
}

export function namespaceOption(): Option {
  return new Option(
    "-n, --namespace <namespace>",
    "namespace of ModelTasks that do not name one (default: default); the others must name this one",
  );
}

export function allowEmptyOption(): Option {
  return new Option("--allow-empty", "accept files that hold no Tenant and no ModelTask");
}

/** Reads and checks the resources of `-f`. @throws InvalidResources with every fault, Error without `-f` */
export async function readResources(options: Partial<FileOptions>): Promise<Resources> {
  const resources = await readUnchecked(options);
  crossCheck(resources);
  checkWithFilter(resources);
  return resources;
}

/** Reads the resources of `-f`, each checked for itself. */
export async function readUnchecked(options: Partial<FileOptions>): Promise<Resources> {
  const { filename = [], recursive = false, namespace } = options;
  if (filename.length === 0) throw new Error("name files or folders with -f, or - for stdin");
  const resources = byKind(await loadResources(filename, { recursive }));
  if (!options.allowEmpty && resources.tenants.length + resources.tasks.length === 0)
    throw new Error(
      `${filename.join(", ")}: no Tenant and no ModelTask there; say --allow-empty if that is meant`,
    );
  if (namespace !== undefined) putInto(namespace, resources);
  return resources;
}

/** @throws InvalidResources for ModelTasks of another namespace */
function putInto(namespace: string, { tasks }: Resources): void {
  const faults = tasks.flatMap(({ resource: { metadata }, fault }) => {
    metadata.namespace ??= namespace;
    if (metadata.namespace === namespace) return [];
    return [fault(["metadata", "namespace"], `is ${metadata.namespace}, but -n says ${namespace}`)];
  });
  if (faults.length > 0) throw new InvalidResources(faults);
}
