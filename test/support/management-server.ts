import { fileURLToPath } from "node:url";
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import type { WasmFilter } from "../../tools/lib/envoy/bootstrap.ts";

const PACKAGE = "envoy.service.discovery.v3";
const EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const STRUCT_TYPE = "type.googleapis.com/xds.type.v3.TypedStruct";
const CLUSTER = "management-server";

const definitions = loadSync(fileURLToPath(new URL("./discovery.proto", import.meta.url)), {
  keepCase: true,
});
const message = (name: string) => definitions[`${PACKAGE}.${name}`] as MessageTypeDefinition<object, object>;

interface DiscoveryRequest {
  resource_names: string[];
  type_url: string;
  response_nonce?: string;
  error_detail?: { message: string } | null;
}

export interface ManagementServer {
  port: number;
  /** What Envoys refused, as they said why. */
  refusals: string[];
  /** Gives an extension configuration to the Envoys that asked for it, at once; the others of an Envoy come along. */
  set(filter: WasmFilter): void;
  stop(): void;
}

/**
 * A management server of extension configurations (ECDS over ADS, state of the world), as istiod is to a gateway: each
 * Envoy has one stream, and every response has all that it asked for. Of other kinds, listeners and clusters among
 * them, it has none, and says so.
 * @param host address that it listens at
 */
export async function startManagementServer(
  filters: WasmFilter[],
  host = "127.0.0.1",
): Promise<ManagementServer> {
  const resources = new Map<string, Buffer>();
  const watches = new Set<() => void>();
  const refusals: string[] = [];
  const put = ({ name, typed_config: { "@type": type_url, ...value } }: WasmFilter) => {
    const struct = message("TypedStruct").serialize({ type_url, value: toStruct(value) });
    const typed_config = { type_url: STRUCT_TYPE, value: struct };
    resources.set(name, message("TypedExtensionConfig").serialize({ name, typed_config }));
  };
  for (const filter of filters) put(filter);

  const server = new Server({ "grpc.max_send_message_length": -1 });
  server.addService(serviceOf(), {
    StreamAggregatedResources(stream: ServerDuplexStream<DiscoveryRequest, object>) {
      let names: string[] = [];
      let nonce = 0;
      const send = () => {
        const found = names.flatMap((name) => resources.get(name) ?? []);
        const version = String(++nonce);
        stream.write({
          version_info: version,
          nonce: version,
          type_url: EXTENSION_TYPE,
          resources: found.map((value) => ({ type_url: EXTENSION_TYPE, value })),
        });
      };
      watches.add(send);
      stream.on("data", (request: DiscoveryRequest) => {
        if (request.type_url !== EXTENSION_TYPE) {
          const { type_url, response_nonce } = request;
          if (!response_nonce) stream.write({ version_info: "0", nonce: "0", type_url, resources: [] });
          return;
        }
        if (request.error_detail) refusals.push(request.error_detail.message);
        const known = new Set(names);
        const more = request.resource_names.some((name) => !known.has(name));
        names = request.resource_names;
        if (more) send();
      });
      stream.on("end", () => {
        watches.delete(send);
        stream.end();
      });
      stream.on("error", () => watches.delete(send));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    refusals,
    set(filter) {
      put(filter);
      for (const send of watches) send();
    },
    stop: () => server.forceShutdown(),
  };
}

/** Where an Envoy that has `withManagementServer` takes extension configurations from. */
export const ADS = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };

/** The bootstrap of an Envoy that asks the management server at a port. */
export function withManagementServer(bootstrap: object, port: number): object {
  const { static_resources, ...rest } = bootstrap as { static_resources: { clusters: object[] } };
  const endpoint = { address: { socket_address: { address: "127.0.0.1", port_value: port } } };
  const cluster = {
    name: CLUSTER,
    type: "STATIC",
    connect_timeout: "5s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: CLUSTER, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
  return {
    ...rest,
    static_resources: { ...static_resources, clusters: [...static_resources.clusters, cluster] },
    dynamic_resources: {
      ads_config: {
        api_type: "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: CLUSTER } }],
      },
    },
  };
}

function serviceOf(): ServiceDefinition {
  const root = loadPackageDefinition(definitions) as unknown as {
    envoy: {
      service: { discovery: { v3: { AggregatedDiscoveryService: { service: ServiceDefinition } } } };
    };
  };
  return root.envoy.service.discovery.v3.AggregatedDiscoveryService.service;
}

/** JSON as google.protobuf.Struct. */
function toStruct(object: object): object {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])) };
}

function toValue(value: unknown): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "number") return { numberValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
  return value === null ? { nullValue: 0 } : { structValue: toStruct(value as object) };
}
