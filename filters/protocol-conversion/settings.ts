import { bytes } from "../sdk/bytes";
import { Config } from "../sdk/config";
import { NonFinite } from "./numbers/float-text";
import { readRawTemplate } from "./raw-tensor";
import { Task, TaskSet } from "./task-set";
import { readSignatures } from "./tensorflow-serving/signature";

const DEFAULT_MAX_REQUEST_BYTES: f64 = 64 * 1024 * 1024;
const DEFAULT_MAX_RESPONSE_BYTES: f64 = 256 * 1024 * 1024;
const DEFAULT_MAX_MEMORY_BYTES: f64 = 512 * 1024 * 1024;
const DEFAULT_BINARY_HEADER_BYTES: f64 = 4096;
const DEFAULT_CALL_TIMEOUT: f64 = 5000;

/** The object `protocolConversion` of the plug-in configuration. */
export class Settings {
  tasks: TaskSet = new TaskSet(0);
  maxRequestBytes: i64 = 0;
  maxResponseBytes: i64 = 0;
  maxMemoryBytes: i64 = 0;
  binaryHeaderBytes: i32 = 0;
  callTimeoutMilliseconds: u32 = 0;
  nonFinite: NonFinite = NonFinite.Null;
}

export function readSettings(config: Config): Settings {
  const settings = new Settings();
  const tasks = config.objects("tasks");
  settings.tasks = new TaskSet(tasks.length);
  for (let i = 0; i < tasks.length; i++) {
    settings.tasks.add(
      new Task(bytes(tasks[i].text("taskid")), readSignatures(tasks[i]), readRawTemplate(tasks[i])),
    );
    tasks[i].finish();
  }
  settings.maxRequestBytes = <i64>config.number("maxRequestBytes", DEFAULT_MAX_REQUEST_BYTES, 1);
  settings.maxResponseBytes = <i64>config.number("maxResponseBytes", DEFAULT_MAX_RESPONSE_BYTES, 1);
  settings.maxMemoryBytes = <i64>config.number("maxMemoryBytes", DEFAULT_MAX_MEMORY_BYTES, 1);
  settings.binaryHeaderBytes = <i32>config.number("binaryHeaderBytes", DEFAULT_BINARY_HEADER_BYTES, 256);
  settings.callTimeoutMilliseconds = <u32>config.number("callTimeoutMilliseconds", DEFAULT_CALL_TIMEOUT, 1);
  const nonFinite = config.has("nonFinite") ? config.text("nonFinite") : "null";
  if (nonFinite == "error") settings.nonFinite = NonFinite.Error;
  else if (nonFinite == "string") settings.nonFinite = NonFinite.String;
  else if (nonFinite == "token") settings.nonFinite = NonFinite.Token;
  else if (nonFinite != "null") config.fault("nonFinite", "must be null, error, string or token");
  return settings;
}
