import type { RunningEnvoy } from "../../tools/lib/envoy/process.ts";
import { GrpcConnection } from "../../tools/serving/model-client/grpc-connection.ts";
import { HttpConnection } from "../../tools/serving/model-client/http-connection.ts";
import { Child } from "../support/child.ts";
import { Endpoints } from "./endpoints.ts";
import { CLUSTER, startGateway } from "./envoy-gateway.ts";
import type { Hooks } from "./hooks.ts";
import { type Measured, SteadyLoad } from "./load.ts";
import { SERVICE_MS } from "./replicas.ts";
import { ConnectionBalancer } from "./service.ts";

const SLOTS = 1000;

export interface GatewayRoll {
  /** Steady, rolling update; clients with HTTP/1.1 keep-alive. */
  http1: Measured[];
  /** The same; clients with HTTP/2. */
  http2: Measured[];
}

/**
 * Two gateway Envoys behind a balancer of connections, replaced one after the other under steady load of clients that keep their connections.
 * @param hooks drain an Envoy before it is ended; that is not done without
 */
export async function rollGateways(
  hooks: Hooks | undefined,
  requestsPerSecond: number,
  seconds: number,
): Promise<GatewayRoll> {
  const endpoints = await Endpoints.create(CLUSTER);
  const model = Child.model(0, SLOTS, SERVICE_MS);
  await endpoints.add(Number(await model.printed(/^(\d+)$/)));
  const balancer = await ConnectionBalancer.start();
  const start = async () => {
    const gateway = await startGateway(endpoints.file, 0);
    await balancer.add(gateway.port);
    return gateway;
  };
  const end = async (gateway: RunningEnvoy) => {
    const removed = balancer.remove(gateway.port);
    await hooks?.drainEnvoy(`http://127.0.0.1:${gateway.adminPort}`);
    await gateway.stop();
    await removed;
  };
  let gateways: RunningEnvoy[] = await Promise.all([start(), start()]);
  const origin = `http://127.0.0.1:${balancer.port}`;
  const connections = [new HttpConnection(origin), new GrpcConnection(origin, 4)];
  try {
    const loads = connections.map((connection) => new SteadyLoad(connection, requestsPerSecond / 2));
    const [first] = loads as [SteadyLoad, SteadyLoad];
    const spans = [
      await first.span("steady", seconds),
      await first.span("rolling update", seconds, async () => {
        for (const old of [...gateways]) {
          gateways = [...gateways.filter((each) => each !== old), await start()];
          await end(old);
        }
      }),
    ];
    await Promise.all(loads.map((load) => load.stop()));
    const [http1 = [], http2 = []] = loads.map((load) => spans.map((span) => load.measure(span)));
    return { http1, http2 };
  } finally {
    for (const connection of connections) connection.close();
    balancer.close();
    await Promise.all([...gateways.map((gateway) => gateway.stop()), model.stop(), endpoints.close()]);
  }
}
