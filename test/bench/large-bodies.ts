interface Route {
  route?: { timeout: string };
}

interface Listener {
  per_connection_buffer_limit_bytes?: number;
  filter_chains: {
    filters: { typed_config: { route_config: { virtual_hosts: { routes: Route[] }[] } } }[];
  }[];
}

/**
 * A bootstrap without the timeout of routes: many large bodies at a time wait for each other, the longer the busier the machine is.
 * @param bufferBytes what Envoy may buffer, where a filter needs a whole body at once
 */
export function forLargeBodies(config: object, bufferBytes?: number): object {
  const { listeners } = (config as { static_resources: { listeners: Listener[] } }).static_resources;
  for (const listener of listeners) {
    if (bufferBytes) listener.per_connection_buffer_limit_bytes = bufferBytes;
    const hosts = listener.filter_chains.flatMap(
      ({ filters }) => filters.at(-1)?.typed_config.route_config.virtual_hosts ?? [],
    );
    for (const { route } of hosts.flatMap(({ routes }) => routes)) if (route) route.timeout = "0s";
  }
  return config;
}
