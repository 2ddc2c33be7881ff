import { setTimeout as sleep } from "node:timers/promises";
import { envoyAdmin } from "./envoy-admin.ts";

const POLL_MS = 250;
/** Envoy's own listeners and those of Istio's agent, which are no traffic: admin, health, metrics. */
const NOT_TRAFFIC = /^http\.(admin|agent|stats)\./;

interface EnvoyDrain {
  /** Base URL of the admin interface. */
  admin: string;
  /** Time in which the load balancers in front take the Envoy out; it serves on. Milliseconds. */
  delayMs: number;
  /** Longest wait for connections and requests after that, milliseconds. */
  timeoutMs: number;
  log: (line: string) => void;
}

/**
 * Takes a gateway's Envoy out of service without loss. Its readiness fails at once, and from then on each
 * response asks its client to leave: `Connection: close` over HTTP/1.1, GOAWAY over HTTP/2. New connections
 * are still served, as load balancers need time. Then it waits until clients have left, or at least no
 * request is under way.
 * @returns whether no request is under way. @throws Error when the Envoy does not answer
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/operations/draining
 */
export async function drainEnvoy({ admin, delayMs, timeoutMs, log }: EnvoyDrain): Promise<boolean> {
  await envoyAdmin(admin, "POST", "/healthcheck/fail");
  log("readiness fails; responses ask clients to leave");
  await sleep(delayMs);
  await envoyAdmin(admin, "POST", "/drain_listeners?graceful&skip_exit");
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const active = await traffic(admin).catch(() => undefined);
    if (active?.connections === 0 || performance.now() > deadline) {
      log(
        active
          ? `${active.connections} connections, ${active.requests} requests are left`
          : "it does not answer any more",
      );
      return active?.requests === 0;
    }
    await sleep(POLL_MS);
  }
}

async function traffic(admin: string): Promise<{ connections: number; requests: number }> {
  const path = "/stats?format=json&filter=downstream_(cx|rq)_active$";
  const { stats } = JSON.parse(await envoyAdmin(admin, "GET", path)) as {
    stats: { name: string; value?: number }[];
  };
  const sum = (suffix: string) =>
    stats
      .filter(({ name }) => name.startsWith("http.") && name.endsWith(suffix) && !NOT_TRAFFIC.test(name))
      .reduce((total, { value = 0 }) => total + value, 0);
  return { connections: sum("downstream_cx_active"), requests: sum("downstream_rq_active") };
}
