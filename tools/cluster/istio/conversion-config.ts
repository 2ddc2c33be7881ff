import type { ModelTask } from "../../api/model-task.ts";

/**
 * The object `protocolConversion` of the plug-in configuration; a task with a converter of its own is not in
 * it.
 */
export function conversionConfig(tasks: ModelTask[]): object {
  return { tasks: tasks.flatMap(({ spec }) => taskConfig(spec)) };
}

function taskConfig({ taskid, conversion }: ModelTask["spec"]): object[] {
  const { protocol, converter, signatures, ...fields } = conversion;
  if (protocol === "none" || converter) return [];
  return [{ taskid, ...(signatures.length > 0 && { signatures }), ...fields }];
}
