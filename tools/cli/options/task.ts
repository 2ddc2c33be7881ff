import { InvalidArgumentError, Option } from "commander";
import { InvalidResources } from "../../api/fault.ts";
import { duration } from "../../api/fields.ts";
import { parseResources } from "../../api/load.ts";
import { type ModelTask, modelTask } from "../../api/model-task.ts";
import { readUnchecked } from "./resource-files.ts";

/** The ModelTask that is meant, by files (`-f`, `--task`) or as JSON (`--inline`). */
export interface TaskOptions {
  filename?: string[];
  recursive?: true;
  namespace?: string;
  task?: string;
  inline?: string;
}

export function inlineOption(): Option {
  return new Option("--inline <json>", "the ModelTask as JSON, instead of -f");
}

/** @throws InvalidResources; Error when it is not there, or several are and none is named */
export async function readTask(options: TaskOptions): Promise<ModelTask> {
  if (options.inline !== undefined) return inlineTask(options.inline);
  const { tasks } = await readUnchecked(options);
  return chooseTask(
    tasks.map(({ resource }) => resource),
    options.task,
  );
}

/** The task of that name or task id. @throws Error when it is not there, or several are and none is named */
export function chooseTask(tasks: ModelTask[], name: string | undefined): ModelTask {
  const names = tasks.map(({ metadata }) => metadata.name).join(", ");
  const [first] = tasks;
  if (!first) throw new Error("there is no ModelTask here: name its file with -f");
  if (name === undefined && tasks.length > 1) throw new Error(`name the task: there are ${names}`);
  const found =
    name === undefined
      ? first
      : tasks.find(({ metadata, spec }) => metadata.name === name || spec.taskid === name);
  if (!found) throw new Error(`there is no ModelTask ${JSON.stringify(name)} here (there is ${names})`);
  return found;
}

function inlineTask(json: string): ModelTask {
  const { resources, faults } = parseResources([{ file: "--inline", text: json }]);
  if (faults.length > 0) throw new InvalidResources(faults);
  const [only] = resources;
  if (only?.resource.kind !== "ModelTask") throw new Error("--inline: must be a ModelTask");
  return only.resource;
}

/**
 * A ModelTask with what flags say of it, for commands that need no file.
 * @throws Error that names the field
 */
export function taskOfFlags(spec: object): ModelTask {
  const parsed = modelTask.safeParse({
    ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "ModelTask", metadata: { name: "flags" } },
    spec: { taskid: "flags", tenant: "flags", service: { name: "flags" }, ...spec },
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.slice(1).map(String).join(".")}: ${issue?.message}`);
}

export function jsonArgument(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new InvalidArgumentError("must be a JSON object");
}

/** A span of time, as it was written. */
export function durationArgument(text: string): string {
  if (!duration().safeParse(text).success) throw new InvalidArgumentError("must be a duration such as 15s");
  return text;
}
