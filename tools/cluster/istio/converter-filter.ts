import type { ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import { WASM_TYPE } from "../../lib/envoy/bootstrap.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import {
  type ConverterSettings,
  converterChain,
  converterMetadata,
  converterName,
  converterPlugin,
  converterSettings,
} from "./converter-chain.ts";
import { owned } from "./names.ts";

const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
const ROUTER = "envoy.filters.http.router";

/**
 * The converters of a tenant's tasks: one filter right before the router, behind authentication and limits,
 * and for each task an extension configuration (ECDS) with its module, which Istio's agent pulls and swaps by
 * itself. A WasmPlugin can't say `allow_on_headers_stop_iteration`, which a converter needs to answer 400 and
 * 502.
 * @returns nothing when no task has a converter
 */
export function converterFilters(tenant: Tenant, tasks: ModelTask[]): Manifest[] {
  const converted = tasks.flatMap(({ spec }) =>
    spec.conversion.converter
      ? [
          {
            taskid: spec.taskid,
            image: spec.conversion.converter,
            settings: converterSettings(spec.conversion),
          },
        ]
      : [],
  );
  if (converted.length === 0) return [];
  const { name, namespace } = tenant.spec.gateway;
  const taskids = converted.map(({ taskid }) => taskid);
  return [
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: owned(tenant.metadata.name, `${name}-converters`, namespace),
      spec: {
        workloadSelector: { labels: gatewaySelector(tenant) },
        configPatches: [
          {
            applyTo: "HTTP_FILTER",
            match: {
              context: "GATEWAY",
              listener: {
                filterChain: { filter: { name: HTTP_CONNECTION_MANAGER, subFilter: { name: ROUTER } } },
              },
            },
            patch: { operation: "INSERT_BEFORE", value: converterChain(taskids, () => ADS) },
          },
          {
            applyTo: "LISTENER",
            match: { context: "GATEWAY" },
            patch: { operation: "MERGE", value: { metadata: converterMetadata(taskids) } },
          },
          ...converted.map(extension),
        ],
      },
    },
  ];
}

const ADS = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };

interface Converted {
  taskid: string;
  image: string;
  settings: ConverterSettings;
}

function extension({ taskid, image, settings }: Converted): object {
  const code = { remote: { http_uri: { uri: image, cluster: "unused", timeout: "30s" } } };
  return {
    applyTo: "EXTENSION_CONFIG",
    match: { context: "GATEWAY" },
    patch: {
      operation: "ADD",
      value: {
        name: converterName(taskid),
        typed_config: { "@type": WASM_TYPE, config: converterPlugin(taskid, code, settings) },
      },
    },
  };
}
