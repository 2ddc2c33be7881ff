import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { byKind, crossCheck } from "../../api/cross-check.ts";
import { InvalidResources } from "../../api/fault.ts";
import { type Loaded, loadResources } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { SecretLookup } from "../../cluster/istio/secret-lookup.ts";
import { checkWithFilter } from "../../cluster/oracle/filter-faults.ts";
import type { Inventory } from "./inventory.ts";
import type { Source } from "./source.ts";

/** Ready replicas of a ModelTask in files, where nobody counts them. Default: 1. */
const REPLICAS_ANNOTATION = "modelgate.dev/replicas";

const SETTLE_MS = 100;

/**
 * The resources of files and folders, read again when they change. Files that are at fault, by schema,
 * cross-checks or the filter itself, are logged with line and field, and what was read before stays.
 * @throws InvalidResources from `start`, when they are at fault at the start
 */
export class FileSource implements Source {
  private readonly paths: string[];
  private readonly log: Logger;
  private readonly secrets: SecretLookup | undefined;
  private readonly watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** @param secrets what the filter gets to know; placeholders by default */
  constructor(paths: string[], log: Logger, secrets?: SecretLookup) {
    this.paths = paths;
    this.log = log;
    this.secrets = secrets;
  }

  async start(onChange: (inventory: Inventory) => void): Promise<void> {
    onChange(await this.read());
    const changed = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.reload(onChange), SETTLE_MS);
    };
    // A file's folder is watched, as editors and ConfigMaps replace files rather than write them.
    for (const path of this.paths) {
      const folder = (await stat(path)).isDirectory() ? path : dirname(path);
      const watcher = watch(folder, changed);
      watcher.on("error", (err) => this.log.warn({ folder, err }, "the folder can't be watched any more"));
      this.watchers.push(watcher);
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    for (const watcher of this.watchers) watcher.close();
  }

  private async reload(onChange: (inventory: Inventory) => void): Promise<void> {
    try {
      const inventory = await this.read();
      onChange(inventory);
      this.log.info({ tenants: inventory.tenants.length, tasks: inventory.tasks.length }, "resources read");
    } catch (error) {
      const faults = error instanceof InvalidResources ? error.message : String(error);
      this.log.error({ faults }, "the resources are at fault; those read before stay in force");
    }
  }

  private async read(): Promise<Inventory> {
    const loaded = await loadResources(this.paths);
    const resources = byKind(loaded);
    crossCheck(resources);
    checkWithFilter(resources, this.secrets);
    return inventoryOf(loaded);
  }
}

/** @throws InvalidResources for a number of replicas that is none */
function inventoryOf(loaded: Loaded[]): Inventory {
  const faults = loaded.flatMap(({ resource, fault }) => {
    const replicas = resource.metadata.annotations?.[REPLICAS_ANNOTATION];
    if (replicas === undefined || /^\d{1,6}$/.test(replicas)) return [];
    return [
      fault(
        ["metadata", "annotations", REPLICAS_ANNOTATION],
        `must be a whole number in quotes, is ${JSON.stringify(replicas)}`,
      ),
    ];
  });
  if (faults.length > 0) throw new InvalidResources(faults);
  const resources = loaded.map(({ resource }) => resource);
  return {
    tenants: resources.filter((resource) => resource.kind === "Tenant"),
    tasks: resources.filter((resource) => resource.kind === "ModelTask"),
    replicas: ({ metadata }: ModelTask) => Number(metadata.annotations?.[REPLICAS_ANNOTATION] ?? 1),
  };
}
