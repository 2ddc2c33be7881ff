import { setTimeout as sleep } from "node:timers/promises";
import { hasEndpoint } from "./envoy-admin.ts";
import { connectionsTo } from "./tcp-sockets.ts";

const POLL_MS = 250;
/** Envoy's workers hear of a change after its main thread, which answers for them. */
const SETTLE_MS = 250;

interface ReplicaDrain {
  /** Address of the replica, as the gateways know it. */
  address: string;
  port: number;
  /** Base URLs of the admin interfaces of the gateways' Envoys, looked up anew each time. */
  gateways: () => Promise<string[]>;
  /** Longest wait for the gateways, and what is waited when they can't be asked; milliseconds. */
  endpointTimeoutMs: number;
  /** Longest wait for requests under way, milliseconds. */
  requestTimeoutMs: number;
  log: (line: string) => void;
}

export interface DrainResult {
  /** Whether every gateway said that it no longer has the replica. */
  left: boolean;
  /** Whether no connection is left that a request could be on. */
  idle: boolean;
}

/**
 * Waits until a replica can stop without losing a request: the gateways have dropped its endpoint, and
 * what they had sent is answered. Envoy closes its connections to an endpoint that has gone when their last
 * request is answered, so the work under way is over when no connection is left. Both waits are bounded. The
 * caller makes the replica unready first.
 */
export async function drainReplica(options: ReplicaDrain): Promise<DrainResult> {
  const { port, endpointTimeoutMs, requestTimeoutMs, log } = options;
  const started = performance.now();
  const left = await waitFor(endpointTimeoutMs, () => everyGatewayDropped(options));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  log(left ? `every gateway dropped the replica after ${seconds} s` : `waited ${seconds} s for the gateways`);
  await sleep(SETTLE_MS);
  const idle = await waitFor(requestTimeoutMs, async () => (await connectionsTo(port)) === 0);
  log(idle ? "no request is under way" : `connections are open still after ${requestTimeoutMs / 1000} s`);
  return { left, idle };
}

/** @returns false also when a gateway can't be asked, or there is none to ask */
async function everyGatewayDropped({ gateways, address, port }: ReplicaDrain): Promise<boolean> {
  const admins = await gateways();
  if (admins.length === 0) return false;
  const has = await Promise.all(admins.map((admin) => hasEndpoint(admin, address, port).catch(() => true)));
  return !has.includes(true);
}

/**
 * An answer that takes longer than what is left of the time counts as no: the grace period has no room for
 * it.
 */
async function waitFor(timeoutMs: number, isDone: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const late = sleep(timeoutMs, false, { ref: false });
  for (;;) {
    if (await Promise.race([isDone(), late])) return true;
    const remaining = deadline - performance.now();
    if (remaining <= 0) return false;
    await sleep(Math.min(POLL_MS, remaining));
  }
}
