import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import type { RunningEnvoy } from "../../tools/lib/envoy/process.ts";
import type { Measured } from "./load.ts";

export interface VariedLoad {
  /** Whole HTTP/1.1 requests without bodies, sent in turn. */
  requests: Buffer[];
  connections: number;
}

const OK = "HTTP/1.1 200";
const BODY = "\r\n\r\nok";

/**
 * Sends each request once, over some connections: for loads whose headers differ, which h2load cannot send. Each answer
 * must be a 200 with the body `ok`.
 */
export async function runVaried(envoy: RunningEnvoy, load: VariedLoad): Promise<Measured> {
  if (envoy.pid === undefined)
    throw new Error("CPU time is measured of a process, not of a container: give --envoy");
  let next = 0;
  const client = async (): Promise<void> => {
    const socket = connect(envoy.port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    await once(socket, "connect");
    while (next < load.requests.length) await exchange(socket, load.requests[next++] as Buffer);
    socket.destroy();
  };
  const { length } = load.requests;
  const before = await cpuMicroseconds(envoy.pid);
  const started = performance.now();
  await Promise.all(Array.from({ length: load.connections }, client));
  const seconds = (performance.now() - started) / 1000;
  return {
    cpuMicroseconds: ((await cpuMicroseconds(envoy.pid)) - before) / length,
    requestsPerSecond: length / seconds,
  };
}

function exchange(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk: string) => {
      text += chunk;
      if (!text.startsWith(OK)) reject(new Error(`not every request was answered\n${text}`));
      else if (text.endsWith(BODY)) {
        socket.off("data", onData);
        resolve();
      }
    };
    socket.on("data", onData);
    socket.write(request);
  });
}
