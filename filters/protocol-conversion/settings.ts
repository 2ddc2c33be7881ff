import { bytes } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { Config } from "../sdk/pipeline/config";
import { readOpenAi } from "./openai/mapping";
import { Policy, readPolicy } from "./policy";
import { Task } from "./task";
import { readRawTemplate } from "./tensor/raw-tensor";
import { readSignatures } from "./tensorflow-serving/signature";

const DEFAULT_MAX_MEMORY_BYTES: f64 = 512 * 1024 * 1024;
const DEFAULT_CALL_TIMEOUT_MS: f64 = 5000;

/** The object `protocolConversion` of the plug-in configuration. */
export class Settings {
  readonly tasks: NameTable<Task> = new NameTable<Task>();
  maxMemoryBytes: i64 = 0;
  callTimeoutMs: u32 = 0;
  /** May headers of a response wait for its body? Envoy allows it where the plug-in's own fields say so. */
  holdsHeaders: bool = false;
}

export function readSettings(config: Config): Settings {
  const settings = new Settings();
  const policy = readPolicy(config, new Policy());
  const configs = config.objects("tasks");
  const tasks: Task[] = [];
  for (let i = 0; i < configs.length; i++) tasks.push(readTask(configs[i], policy));
  // The table keeps the first of one name: of two tasks with one id the last counts.
  for (let i = tasks.length - 1; i >= 0; i--) settings.tasks.add(tasks[i].taskid, tasks[i]);
  settings.maxMemoryBytes = <i64>config.number("maxMemoryBytes", DEFAULT_MAX_MEMORY_BYTES, 1);
  settings.callTimeoutMs = <u32>config.number("callTimeoutMilliseconds", DEFAULT_CALL_TIMEOUT_MS, 1);
  settings.holdsHeaders = config.flag("holdsHeaders", false);
  return settings;
}

function readTask(config: Config, policy: Policy): Task {
  const taskid = bytes(config.text("taskid"));
  const timeout = <u32>config.number("streamTimeoutMilliseconds", 0, 0);
  const task = new Task(
    taskid,
    readSignatures(config),
    readRawTemplate(config),
    readPolicy(config, policy),
    bytes(timeout.toString()),
    readOpenAi(config),
  );
  config.finish();
  return task;
}
