import { durationMilliseconds } from "../../api/fields.ts";
import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";

/**
 * The object `protocolConversion` of the plug-in configuration; a task with a converter of its own is not in
 * it.
 */
export function conversionConfig(tasks: ModelTask[]): object {
  return { tasks: tasks.flatMap(({ spec }) => taskConfig(spec)) };
}

function taskConfig(spec: ModelTask["spec"]): object[] {
  const { taskid, conversion, stream } = spec;
  const { protocol, converter, signatures, ...fields } = conversion;
  if (protocol === "none" || converter || passesOpenAi(spec)) return [];
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
