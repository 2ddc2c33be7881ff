import { lookup } from "node:dns/promises";

const TIMEOUT_MS = 5000;

interface Clusters {
  cluster_statuses?: {
    host_statuses?: { address?: { socket_address?: { address: string; port_value: number } } }[];
  }[];
}

/**
 * Base URLs of the admin interfaces behind a name: one for each address that DNS has for it, as a headless
 * Service has its pods'.
 */
export async function adminsOf(host: string, port: number): Promise<string[]> {
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.map(({ address, family }) => `http://${family === 6 ? `[${address}]` : address}:${port}`);
}

/** Whether an Envoy may still send requests to an endpoint. @throws Error when it does not answer */
export async function hasEndpoint(admin: string, address: string, port: number): Promise<boolean> {
  const { cluster_statuses = [] } = JSON.parse(
    await envoyAdmin(admin, "GET", "/clusters?format=json"),
  ) as Clusters;
  return cluster_statuses.some(({ host_statuses = [] }) =>
    host_statuses.some(({ address: host }) => {
      const socket = host?.socket_address;
      return socket?.address === address && socket.port_value === port;
    }),
  );
}

/** One request to an Envoy's admin interface. @throws Error that names the interface */
export async function envoyAdmin(admin: string, method: "GET" | "POST", path: string): Promise<string> {
  try {
    const response = await fetch(new URL(path, admin), { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await response.text();
    if (!response.ok) throw new Error(`HTTP status ${response.status} ${body.slice(0, 200)}`);
    return body;
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(
      `Envoy's admin interface ${admin}: ${method} ${path}: ${cause instanceof Error ? cause.message : message}`,
    );
  }
}
