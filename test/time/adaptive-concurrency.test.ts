import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LimitsGateway, startLimitsGateway } from "../support/limits-gateway.ts";
import { pace } from "../support/pace.ts";

/** A model server that works on so many requests at once and lets the others queue. */
const SLOTS = 4;
let serviceMs = 20;
let inside = 0;
let working = 0;
const queue: (() => void)[] = [];
const server = createServer(async (request, response) => {
  inside++;
  request.resume();
  if (working === SLOTS) await new Promise<void>((resolve) => queue.push(resolve));
  working++;
  await pace(serviceMs);
  working--;
  queue.shift()?.();
  inside--;
  response.end("ok");
});

let gateway: LimitsGateway;
beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  gateway = await startLimitsGateway({
    workers: 2,
    rateLimit: { tasks: [{ taskid: "1", adaptiveConcurrency: { min: 2, initial: 32, max: 200 } }] },
    routes: [{ match: { prefix: "/" }, route: { cluster: "model" } }],
    clusters: [
      {
        name: "model",
        connect_timeout: "1s",
        typed_extension_protocol_options: {
          [http2]: {
            "@type": `type.googleapis.com/${http2}`,
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: {
          cluster_name: "model",
          endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
        },
      },
    ],
  });
});
afterAll(async () => {
  await gateway?.stop();
  server.close();
});

/** Clients that come back at once when served, and a little later when refused. */
async function crowd(
  clients: number,
  seconds: number,
): Promise<{ served: number; refused: number; mostInside: number }> {
  const end = Date.now() + seconds * 1000;
  let [served, refused, mostInside] = [0, 0, 0];
  const client = async () => {
    while (Date.now() < end) {
      const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/`, { headers: { taskid: "1" } });
      const text = await response.text();
      if (response.status === 200) served++;
      else {
        expect([response.status, JSON.parse(text).reason]).toEqual([503, "task_concurrency_limited"]);
        refused++;
        await pace(20);
      }
      if (Date.now() > end - 1000) mostInside = Math.max(mostInside, inside);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { served, refused, mostInside };
}

it("keeps the queue at a model server short, also when the server slows down, and serves on", async () => {
  await crowd(3, 3);
  const normal = await crowd(60, 4);
  expect(normal.refused).toBeGreaterThan(0);
  expect(normal.mostInside).toBeLessThan(40);
  serviceMs = 100;
  const slow = await crowd(60, 4);
  expect(slow.mostInside).toBeLessThan(20);
  expect(slow.served).toBeGreaterThan(50);
  serviceMs = 20;
  expect((await crowd(60, 3)).served).toBeGreaterThan(150);
});
