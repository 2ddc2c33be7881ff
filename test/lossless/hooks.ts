import { modelTask } from "../../tools/api/model-task.ts";
import { drainEnvoy } from "../../tools/serving/drain/envoy-drain.ts";
import { drainReplica } from "../../tools/serving/drain/replica-drain.ts";
import { startSidecar } from "../../tools/serving/warmup/sidecar.ts";
import { planOf, targetOf } from "../../tools/serving/warmup/specification.ts";
import { Child } from "../support/child.ts";

/** How Modelgate runs beside what it starts and stops: as the command, or, which is quicker, in this process. */
export interface Hooks {
  /** @param gateway admin interface of the gateway's Envoy */
  sidecar(task: object, port: number, gateway: string): Promise<{ url: string; stop(): Promise<void> }>;
  drainEnvoy(admin: string): Promise<void>;
}

const BALANCER_SECONDS = 2;
const CONNECTIONS_SECONDS = 10;

/** `modelgate warmup --serve` and `modelgate drain --envoy` in processes of their own. */
export const commands: Hooks = {
  async sidecar(task, port, gateway) {
    const child = Child.modelgate(
      ...["warmup", "--serve", "127.0.0.1:0", "--address", `127.0.0.1:${port}`],
      ...["--advertise", "127.0.0.1", "--gateway", gateway, "--inline", JSON.stringify(task)],
    );
    const url = `http://127.0.0.1:${await child.printed(/on port (\d+)/)}`;
    return { url, stop: () => child.stop() };
  },
  async drainEnvoy(admin) {
    const limits = [
      "--endpoint-timeout",
      `${BALANCER_SECONDS}s`,
      "--request-timeout",
      `${CONNECTIONS_SECONDS}s`,
    ];
    const code = await Child.modelgate("drain", "--envoy", admin, ...limits).ended();
    if (code !== 0) throw new Error(`modelgate drain exited with ${code}`);
  },
};

export const inProcess: Hooks = {
  async sidecar(json, port, gateway) {
    const task = modelTask.parse(json);
    const origin = `http://127.0.0.1:${port}`;
    const log = () => {};
    const sidecar = await startSidecar({
      ...{ listen: { host: "127.0.0.1", port: 0 }, server: { host: "127.0.0.1", port }, log },
      ...{ plan: planOf(task), target: targetOf(task, origin, {}) },
      drain: () =>
        drainReplica({
          ...{ address: "127.0.0.1", port, gateways: async () => [gateway], log },
          ...{ endpointTimeoutMs: 10_000, requestTimeoutMs: 5000 },
        }),
    });
    return { url: `http://127.0.0.1:${sidecar.port}`, stop: () => sidecar.stop() };
  },
  async drainEnvoy(admin) {
    const times = { delayMs: BALANCER_SECONDS * 1000, timeoutMs: CONNECTIONS_SECONDS * 1000 };
    await drainEnvoy({ admin, ...times, log: () => {} });
  },
};
