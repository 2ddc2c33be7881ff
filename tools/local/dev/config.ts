import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { TaskRoute } from "../../lib/envoy/bootstrap.ts";

interface DevConfig {
  /** A task without a port is served by the demo's model server. */
  tasks: (Omit<TaskRoute, "port"> & { port?: number })[];
  pluginConfig: object;
}

/** Reads the file of `modelgate dev --config`. @throws Error that names the file and the field */
export async function readDevConfig(file: string): Promise<DevConfig> {
  const fail = (message: string): never => {
    throw new Error(`${file}: ${message}`);
  };
  const document = parse(await readFile(file, "utf8")) as { tasks?: unknown; pluginConfig?: unknown } | null;
  if (!Array.isArray(document?.tasks)) return fail("tasks: must be a list");
  const pluginConfig = document.pluginConfig;
  if (typeof pluginConfig !== "object" || pluginConfig === null)
    return fail("pluginConfig: must be an object");
  const tasks = document.tasks.map((task: { taskid?: unknown; address?: unknown }, index) => {
    if (typeof task?.taskid !== "string")
      return fail(`tasks[${index}].taskid: must be a string (quote numbers)`);
    if (task.address === undefined) return { taskid: task.taskid };
    const [, host, port] = /^(.+):(\d+)$/.exec(String(task.address)) ?? [];
    if (host === undefined) return fail(`tasks[${index}].address: must be host:port`);
    return { taskid: task.taskid, host, port: Number(port) };
  });
  return { tasks, pluginConfig };
}
