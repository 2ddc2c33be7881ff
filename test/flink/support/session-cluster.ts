import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { answers, type Program, startProgram } from "../../cluster/support/process.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "../../support/until.ts";
import { configure, flinkProgram, runClient } from "./job.ts";

/** A job manager and a task manager, each in a process of its own, that run jobs until they are stopped. */
export interface SessionCluster {
  /** @param savepoint where the job goes on from @returns the job's id */
  submit(sql: string, savepoint?: string): Promise<string>;
  /** @returns where its savepoint is */
  stopWithSavepoint(job: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startSessionCluster(folder: string): Promise<SessionCluster> {
  const [rest, rpc] = [await freePort(), await freePort()];
  await mkdir(folder, { recursive: true });
  await configure(folder, {
    "jobmanager.rpc.address": "127.0.0.1",
    "jobmanager.rpc.port": rpc,
    "jobmanager.bind-host": "127.0.0.1",
    "jobmanager.memory.process.size": "900m",
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "rest.port": rest,
    "taskmanager.host": "127.0.0.1",
    "taskmanager.bind-host": "127.0.0.1",
    "taskmanager.numberOfTaskSlots": 2,
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.task.heap.size": "400m",
    "taskmanager.memory.task.off-heap.size": "64m",
    "taskmanager.memory.managed.size": "256m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    // Flink's own scripts work these out.
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.jvm-overhead.max": "192m",
    "execution.checkpointing.interval": "1 s",
    "execution.checkpointing.dir": `file://${join(folder, "checkpoints")}`,
    "parallelism.default": 1,
  });
  const url = `http://127.0.0.1:${rest}`;
  const env = { FLINK_CONF_DIR: join(folder, "conf") };
  const configDir = ["--configDir", join(folder, "conf")];
  const program = async (name: string, main: string, ready: () => Promise<boolean>) =>
    startProgram({
      name,
      command: "java",
      args: await flinkProgram("600m", `org.apache.flink.runtime.${main}`, ...configDir),
      ...{ folder, env, ready },
      timeoutSeconds: 120,
    });
  const programs: Program[] = [];
  const stop = async () => {
    for (const each of programs.reverse()) await each.stop();
  };
  try {
    programs.push(
      await program("job-manager", "entrypoint.StandaloneSessionClusterEntrypoint", () =>
        answers(`${url}/overview`),
      ),
    );
    programs.push(
      await program("task-manager", "taskexecutor.TaskManagerRunner", async () => {
        const { taskmanagers } = await json<{ taskmanagers: number }>(`${url}/overview`);
        return taskmanagers === 1;
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stop,
    async submit(sql, savepoint) {
      const from = savepoint ? `SET 'execution.state-recovery.path' = '${savepoint}';\n` : "";
      const output = await runClient(`SET 'execution.target' = 'remote';\n${from}${sql}`, folder);
      const [, job] = /Job ID: ([0-9a-f]{32})/.exec(output) ?? [];
      if (job === undefined) throw new Error(`no job was submitted: ${output}`);
      return job;
    },
    async stopWithSavepoint(job) {
      const body = JSON.stringify({ targetDirectory: `file://${join(folder, "savepoints")}`, drain: false });
      const headers = { "content-type": "application/json" };
      const asked = await fetch(`${url}/jobs/${job}/stop`, { method: "POST", headers, body });
      const { "request-id": request } = (await asked.json()) as { "request-id": string };
      const location = () =>
        json<{ operation?: { location?: string } }>(`${url}/jobs/${job}/savepoints/${request}`).then(
          ({ operation }) => operation?.location,
        );
      return until(location, { message: "the job is not stopped with a savepoint", withinMs: 60_000 });
    },
  };
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
