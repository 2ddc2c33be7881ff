import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { fileSource } from "../../tools/lib/envoy/resource-file.ts";

export const CLUSTER = "task-666";

/**
 * A gateway's Envoy in front of the endpoints in a file, without retries, so that nothing that is lost is hidden.
 * @param slowStartSeconds for which the share of a new endpoint grows, as DestinationRule's warmup has it; 0 for none
 */
export async function startGateway(endpointsFile: string, slowStartSeconds: number): Promise<RunningEnvoy> {
  const slowStart = { slow_start_config: { slow_start_window: `${slowStartSeconds}s` } };
  return startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: [],
      filters: [],
      routes: [{ match: { prefix: "/" }, route: { cluster: CLUSTER, timeout: "15s" } }],
      clusters: [
        {
          name: CLUSTER,
          type: "EDS",
          connect_timeout: "1s",
          lb_policy: "LEAST_REQUEST",
          ...(slowStartSeconds > 0 && { least_request_lb_config: slowStart }),
          eds_cluster_config: { eds_config: fileSource(endpointsFile) },
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    }),
  });
}
