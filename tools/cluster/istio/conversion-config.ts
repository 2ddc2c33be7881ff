import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";
import { envoyStreamMilliseconds } from "./streams-config.ts";

/**
 * The object `protocolConversion` of the plug-in configuration; a task with a converter of its own is not in
 * it.
 */
export function conversionConfig(tasks: ModelTask[]): object {
  return { tasks: tasks.flatMap(({ spec }) => taskConfig(spec)) };
}

function taskConfig(spec: ModelTask["spec"]): object[] {
  const { taskid, conversion } = spec;
  const { protocol, converter, signatures, ...fields } = conversion;
  if (protocol === "none" || converter || passesOpenAi(spec)) return [];
  const streamTimeoutMilliseconds = envoyStreamMilliseconds(spec);
  return [
    {
      taskid,
      ...(signatures.length > 0 && { signatures }),
      ...(streamTimeoutMilliseconds > 0 && { streamTimeoutMilliseconds }),
      ...fields,
      ...openAiConfig(spec),
    },
  ];
}

/** How callers of OpenAI's API call the model, as filters/protocol-conversion/openai/mapping.ts reads it. */
function openAiConfig(spec: ModelTask["spec"]): { openAi?: object } {
  if (spec.protocol !== "openai") return {};
  const { servedModel, models = [], tensors, chat } = spec.openai ?? {};
  const { parameters = [], ...names } = tensors ?? {};
  return {
    openAi: {
      model: servedModel ?? models[0] ?? spec.taskid,
      ...names,
      ...(parameters.length > 0 && { parameters }),
      ...(chat && Object.keys(chat).length > 0 && { chat }),
    },
  };
}
