import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasConverter, type ModelTask } from "../../api/model-task.ts";
import {
  converterChain,
  converterMetadata,
  converterSettings,
  localConverter,
} from "../../cluster/istio/converter-chain.ts";
import { writeFilterConfig } from "../../lib/envoy/extension-config.ts";
import { fileSource } from "../../lib/envoy/resource-file.ts";
import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";

/**
 * Pulls the tasks' own converters into a folder and writes their configuration beside them, for
 * `converterFilter`; a changed digest is swapped. @throws Error for an image that the registry does not have
 */
export async function writeConverters(folder: string, tasks: ModelTask[]): Promise<void> {
  for (const { spec } of tasks) {
    const { converter } = spec.conversion;
    if (!converter) continue;
    const module = join(folder, `${converter.slice(converter.lastIndexOf(":") + 1)}.wasm`);
    const pulled = await access(module).then(
      () => true,
      () => false,
    );
    if (!pulled) await writeFile(module, await pullModule(parseReference(converter)));
    const filter = localConverter(spec.taskid, module, converterSettings(spec.conversion));
    await writeFilterConfig(configFile(folder, spec.taskid), filter);
  }
}

/** The filter that runs what `writeConverters` wrote; none when no task has a converter. */
export function converterFilter(folder: string, tasks: ModelTask[]): object[] {
  const taskids = converted(tasks);
  if (taskids.length === 0) return [];
  return [converterChain(taskids, (taskid) => fileSource(configFile(folder, taskid)))];
}

/** What the listener with that filter says of itself. */
export function listenerMetadata(tasks: ModelTask[]): object {
  return converterMetadata(converted(tasks));
}

function converted(tasks: ModelTask[]): string[] {
  return tasks.filter(hasConverter).map(({ spec }) => spec.taskid);
}

function configFile(folder: string, taskid: string): string {
  return join(folder, `converter-${encodeURIComponent(taskid)}.json`);
}
