import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";

/**
 * The object `protocolConversion` of the plug-in configuration; a task with a converter of its own is not in
 * it.
 */
export function conversionConfig(tasks: ModelTask[]): object {
  return { tasks: tasks.flatMap(({ spec }) => taskConfig(spec)) };
}

function taskConfig({ taskid, conversion, stream }: ModelTask["spec"]): object[] {
  const { protocol, converter, signatures, ...fields } = conversion;
  if (protocol === "none" || converter) return [];
  const streamTimeoutMilliseconds = Math.ceil(durationMilliseconds(stream.timeout));
  return [
    {
      taskid,
      ...(signatures.length > 0 && { signatures }),
      ...(streamTimeoutMilliseconds > 0 && { streamTimeoutMilliseconds }),
      ...fields,
    },
  ];
}
