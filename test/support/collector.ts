import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A stand-in for the collector, which takes batches of log lines as its tests want it to. */
export interface TestCollector {
  port: number;
  /** Bodies of the batches that it took. */
  batches: Buffer[];
  contentTypes: (string | undefined)[];
  /** Its answer to the next batches; 0: none, ever. */
  status: number;
  /** Milliseconds until it answers. */
  delay: number;
  lines(): Record<string, unknown>[];
  stop(): void;
}

export async function startTestCollector(): Promise<TestCollector> {
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { status, delay } = collector;
    if (status === 0) return;
    if (status === 200) {
      collector.batches.push(body);
      collector.contentTypes.push(request.headers["content-type"]);
    }
    setTimeout(() => response.writeHead(status).end(), delay);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const collector: TestCollector = {
    port: (server.address() as AddressInfo).port,
    batches: [],
    contentTypes: [],
    status: 200,
    delay: 0,
    lines: () =>
      collector.batches.flatMap((batch) =>
        batch
          .toString()
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      ),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return collector;
}
