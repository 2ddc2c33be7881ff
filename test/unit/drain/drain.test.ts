import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { drainCommand } from "../../../tools/cli/commands/drain.ts";
import { drainReplica } from "../../../tools/serving/drain/replica-drain.ts";
import { connectionsTo, parseSockets } from "../../../tools/serving/drain/tcp-sockets.ts";
import { runHere } from "../../support/modelgate.ts";

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function portOf(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Stands for an Envoy's admin interface that has an endpoint for so many answers; the real ones are in test/time/lossless.test.ts. */
async function envoyWith(address: string, port_value: number, answers: number): Promise<string> {
  let asked = 0;
  const port = await portOf(
    createServer((_, response) => {
      const hosts = asked++ < answers ? [{ address: { socket_address: { address, port_value } } }] : [];
      response.end(JSON.stringify({ cluster_statuses: [{ host_statuses: hosts }, {}] }));
    }),
  );
  return `http://127.0.0.1:${port}`;
}

async function drain(gateways: string[], port: number, endpointTimeoutMs: number, requestTimeoutMs = 5000) {
  const started = performance.now();
  const options = { address: "10.1.2.3", port, endpointTimeoutMs, requestTimeoutMs, log: () => {} };
  const result = await drainReplica({ ...options, gateways: async () => gateways });
  return { ...result, milliseconds: performance.now() - started };
}

describe("a replica's drain", () => {
  it("waits until every gateway has dropped the endpoint", async () => {
    const gateways = [
      await envoyWith("10.1.2.3", 9, 1),
      await envoyWith("10.1.2.3", 9, 3),
      await envoyWith("10.9.9.9", 9, 99),
    ];
    const { left, idle, milliseconds } = await drain(gateways, 9, 20_000);
    expect({ left, idle }).toEqual({ left: true, idle: true });
    expect(milliseconds).toBeGreaterThanOrEqual(700);
  });

  it.each([
    ["there is no gateway to ask", []],
    ["a gateway does not answer", ["http://127.0.0.1:65535"]],
  ])("waits its time when %s", async (_name, gateways) => {
    const { left, milliseconds } = await drain(gateways, 9, 600);
    expect(left).toBe(false);
    expect(milliseconds).toBeGreaterThanOrEqual(600);
  });

  it("does not wait longer for a gateway that hangs", async () => {
    const port = await portOf(createTcpServer((socket) => socket.resume()));
    const { left, milliseconds } = await drain([`http://127.0.0.1:${port}`], 9, 600);
    expect(left).toBe(false);
    expect(milliseconds).toBeLessThan(4000);
  });

  it("waits for what is under way, within bounds", async () => {
    const port = await portOf(createTcpServer((socket) => socket.resume()));
    const client = connect(port, "127.0.0.1");
    await new Promise((resolve) => client.once("connect", resolve));
    expect(await connectionsTo(port)).toBe(1);
    const gateway = await envoyWith("", 0, 0);
    expect((await drain([gateway], port, 5000, 300)).idle).toBe(false);
    setTimeout(() => client.destroy(), 500);
    expect(await drain([gateway], port, 5000, 20_000)).toMatchObject({ left: true, idle: true });
  });
});

it("sockets are read as the kernel writes them", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0000000000000000 20 4 30 10 -1
`;
  expect(parseSockets(text)).toEqual([
    { localPort: 8080, state: "0A", inode: "12345" },
    { localPort: 8080, state: "01", inode: "12346" },
  ]);
});

it("counts nothing for a port without connections", async () => {
  const port = await portOf(createTcpServer());
  expect(await connectionsTo(port)).toBe(0);
});

describe("modelgate drain", () => {
  it("drains a replica, by its ModelTask's times", async () => {
    const spec = {
      taskid: "6",
      tenant: "a",
      service: { name: "s", port: 9 },
      drain: { endpointTimeout: "300ms" },
    };
    const task = { apiVersion: "modelgate.dev/v1alpha1", kind: "ModelTask", metadata: { name: "m" }, spec };
    const gateway = await envoyWith("10.1.2.3", 9, 1);
    const flags = ["--inline", JSON.stringify(task), "--address", "10.1.2.3:9"];
    const asked = await runHere(drainCommand(), [
      ...flags,
      "--endpoint-timeout",
      "20s",
      "--gateway",
      gateway,
    ]);
    expect(asked.stderr).toMatch(/every gateway dropped the replica after [\d.]+ s\nno request is under way/);
    expect((await runHere(drainCommand(), flags)).stderr).toMatch(/waited 0.[3-9] s for the gateways/);
  });

  it("lets the sidecar do it", async () => {
    const asked: string[] = [];
    const port = await portOf(
      createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.end('{"left":true,"idle":true}\n');
      }),
    );
    const { code, stdout } = await runHere(drainCommand(), ["--sidecar", `http://127.0.0.1:${port}`]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"left":true,"idle":true}\n' });
    expect(asked).toEqual(["POST /drain"]);
  });

  it.each([
    [[], "say which replica with --address"],
    [["--address", ":80"], "say which replica with --address"],
    [["--address", "10.1.2.3:80", "--endpoint-timeout", "soon"], "must be a duration such as 15s"],
    [
      ["--sidecar", "127.0.0.1:8867"],
      "--sidecar 127.0.0.1:8867: must be a URL such as http://127.0.0.1:8867",
    ],
    [["--sidecar", "http://127.0.0.1:65535"], "--sidecar http://127.0.0.1:65535: connect ECONNREFUSED"],
    [
      ["--envoy", "http://127.0.0.1:65535"],
      "Envoy's admin interface http://127.0.0.1:65535: POST /healthcheck/fail: connect ECONNREFUSED",
    ],
  ])("%j", async (flags, message) => {
    vi.stubEnv("POD_IP", undefined);
    expect(await runHere(drainCommand(), flags)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    });
  });
});
