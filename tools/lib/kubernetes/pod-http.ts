import { request } from "node:http";
import { Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { KubernetesClient } from "./client.ts";

const TIMEOUT_MS = 30_000;

export interface Pod {
  namespace: string;
  name: string;
}

/**
 * One HTTP request to a port of a pod's loopback address, such as Envoy's admin interface, through the API
 * server's port-forward. @throws Error that names the pod
 */
export async function podRequest(
  client: KubernetesClient,
  pod: Pod,
  port: number,
  method: string,
  path: string,
): Promise<string> {
  const [toPod, fromPod, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const name = `pod ${pod.namespace}/${pod.name}`;
  try {
    // A large library, which the help of a command does not need.
    const { PortForward } = await import("@kubernetes/client-node");
    const socket = await new PortForward(client.config).portForward(
      pod.namespace,
      pod.name,
      [port],
      fromPod,
      errors,
      toPod,
    );
    const closable = socket as { close(): void; on?(event: string, listener: () => void): void };
    closable.on?.("close", () => fromPod.end());
    try {
      return await send(Duplex.from({ readable: fromPod, writable: toPod }), errors, method, path);
    } finally {
      closable.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${method} ${path} on port ${port}: ${reason}`);
  }
}

function send(stream: Duplex, errors: PassThrough, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      path,
      createConnection: () => stream,
      headers: { host: "localhost", connection: "close" },
    };
    const sent = request({ ...options, timeout: TIMEOUT_MS }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`HTTP ${response.statusCode} ${body.slice(0, 200)}`));
      }, reject);
    });
    errors.once("data", (message: Buffer) => reject(new Error(message.toString())));
    const timer = setTimeout(
      () => sent.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
    sent.once("close", () => clearTimeout(timer));
    sent.once("error", reject);
    sent.end();
  });
}
