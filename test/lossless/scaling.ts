import { GrpcConnection } from "../../tools/serving/model-client/grpc-connection.ts";
import { Endpoints } from "./endpoints.ts";
import { CLUSTER, startGateway } from "./envoy-gateway.ts";
import type { Hooks } from "./hooks.ts";
import { type Measured, SteadyLoad } from "./load.ts";
import { Replicas } from "./replicas.ts";

const SLOW_START_SECONDS = 3;

export interface ScalingRun {
  load: SteadyLoad;
  /** Steady, 2 to 4 replicas, 4 to 2, rolling update. */
  spans: Measured[];
}

/**
 * Steady load through a real Envoy on model servers in processes of their own, which are scaled from 2 to 4 to 2 and then all replaced.
 * @param hooks warm replicas up and drain them; neither is done without
 * @param seconds at least, of each span
 */
export async function runScaling(
  hooks: Hooks | undefined,
  requestsPerSecond: number,
  seconds: number,
): Promise<ScalingRun> {
  const endpoints = await Endpoints.create(CLUSTER);
  const gateway = await startGateway(endpoints.file, hooks ? SLOW_START_SECONDS : 0);
  const admin = `http://127.0.0.1:${gateway.adminPort}`;
  const replicas = new Replicas({ endpoints, hooks, gateway: admin });
  const connection = new GrpcConnection(`http://127.0.0.1:${gateway.port}`, 4);
  try {
    await replicas.scale(2);
    // Replicas that nobody warmed are slow at first; the steady state is what comes after.
    const before = new SteadyLoad(connection, requestsPerSecond);
    await before.span("warm", 3);
    await before.stop();
    const load = new SteadyLoad(connection, requestsPerSecond);
    const spans = [
      await load.span("steady", seconds),
      await load.span("2 to 4 replicas", seconds, () => replicas.scale(4)),
      await load.span("4 to 2 replicas", seconds, () => replicas.scale(2)),
      await load.span("rolling update", seconds, () => replicas.roll()),
    ];
    await load.stop();
    return { load, spans: spans.map((span) => load.measure(span)) };
  } finally {
    connection.close();
    await replicas.stop();
    await gateway.stop();
    await endpoints.close();
  }
}
