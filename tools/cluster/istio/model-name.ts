import { type ModelTask, modelNames, passesOpenAi } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import { WASM_TYPE } from "../../lib/envoy/bootstrap.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Reference } from "../../lib/oci/reference.ts";
import { RBAC_TYPE } from "./converter-chain.ts";
import { owned } from "./names.ts";
import { credentialHeaders } from "./tenant-auth-config.ts";
import { countedModels } from "./token-limit-config.ts";

const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
/** Name of the filter in front of the gateway's that reads which model a body names. */
export const MODEL_NAME = "modelgate.model-name";
const MIB = 1024 * 1024;
/** Bytes of a body that may come before its model: OpenAI's clients write it behind the messages. */
const BODY_BYTES = 8 * MIB;
/** A cluster that no gateway has. */
const NOWHERE = "modelgate.nowhere";
/** What all requests of a worker hold at once. */
const HELD_BYTES = 64 * MIB;
/**
 * Envoy refuses what is over its limit by itself, in plain text; a piece that comes at once stays below it.
 */
const ENVOY_BODY_BYTES = BODY_BYTES + MIB;

/**
 * Configuration of the filter in front of the gateway's, as filters/model-name/settings.ts reads it; it runs
 * the gateway's own module.
 * @returns undefined where no task is called by the name of its model
 */
export function modelNameConfig(tenant: Tenant, tasks: ModelTask[]): object | undefined {
  const models = tasks.filter(({ spec }) => spec.protocol === "openai");
  if (models.length === 0) return undefined;
  const served = models.flatMap(servedNames);
  const counted = countedModels(models);
  return {
    modelName: {
      maxBodyBytes: BODY_BYTES,
      maxHeldBytes: HELD_BYTES,
      credentialHeaders: [...credentialHeaders(tenant), "signature-input"],
      ...(hasOtherCredentials(tenant, models) && { otherCredentials: true }),
      counted,
      ...(served.length > 0 && { served }),
    },
  };
}

/** Bytes of a body that Envoy must let that filter hold. */
export function bodyBufferBytes({ spec }: Tenant): number {
  return Math.max(ENVOY_BODY_BYTES, spec.gateway.tuning.bufferBytes);
}

/**
 * Route of calls that no filter has given a task yet: to nowhere, but Envoy takes the virtual host's limit of
 * bodies for requests that have a route to a cluster.
 */
export function modelNameRoute(): object {
  return {
    name: MODEL_NAME,
    match: {
      safe_regex: { regex: "(/openai)?/v1/(chat/completions|completions|embeddings|responses)" },
      headers: [
        { name: ":method", string_match: { exact: "POST" } },
        { name: "taskid", present_match: true, invert_match: true },
      ],
    },
    route: { cluster: NOWHERE, cluster_not_found_response_code: "SERVICE_UNAVAILABLE" },
  };
}

/** May a request be let through that has no credential in a header? */
function hasOtherCredentials({ spec }: Tenant, tasks: ModelTask[]): boolean {
  return (
    spec.apiKey?.queryParameter !== undefined ||
    spec.credentials.some(({ type }) => type === "certificate") ||
    spec.mode !== "enforce" ||
    tasks.some(({ spec: { mode } }) => mode !== undefined && mode !== "enforce")
  );
}

/** By what callers write: what a model server gets that calls its model otherwise, or knows no versions. */
function servedNames(task: ModelTask): { model: string; as: string }[] {
  const { spec } = task;
  if (!passesOpenAi(spec)) return [];
  return modelNames(task).flatMap((name) => {
    const as = spec.openai?.servedModel ?? name;
    return [
      ...(as === name ? [] : [{ model: name, as }]),
      ...spec.versions.map((version) => ({ model: `${name}:${version.name}`, as })),
    ];
  });
}

/**
 * The filter of `modelNameConfig`, first of the chain. A WasmPlugin can't say
 * `allow_on_headers_stop_iteration`, without which headers can't wait for the body. Istio's agent pulls the
 * module; where it can't, Envoy refuses every request.
 * @returns nothing where no task is called by the name of its model
 */
export function modelNameFilter(tenant: Tenant, tasks: ModelTask[], image: Reference): Manifest[] {
  const config = modelNameConfig(tenant, tasks);
  if (config === undefined) return [];
  const { name, namespace } = tenant.spec.gateway;
  const uri = `oci://${image.registry}/${image.repository}@${image.digest}`;
  const code = { remote: { http_uri: { uri, cluster: "unused", timeout: "30s" } } };
  return [
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: owned(tenant.metadata.name, `${name}-model-name`, namespace),
      spec: {
        workloadSelector: { labels: gatewaySelector(tenant) },
        configPatches: [
          {
            applyTo: "HTTP_FILTER",
            match: {
              context: "GATEWAY",
              listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } } },
            },
            patch: { operation: "INSERT_FIRST", value: discovered() },
          },
          {
            applyTo: "VIRTUAL_HOST",
            match: { context: "GATEWAY" },
            patch: { operation: "MERGE", value: { request_body_buffer_limit: bodyBufferBytes(tenant) } },
          },
          {
            applyTo: "HTTP_ROUTE",
            match: { context: "GATEWAY", routeConfiguration: { vhost: { route: { action: "ANY" } } } },
            patch: { operation: "INSERT_FIRST", value: modelNameRoute() },
          },
          {
            applyTo: "EXTENSION_CONFIG",
            match: { context: "GATEWAY" },
            patch: {
              operation: "ADD",
              value: { name: MODEL_NAME, typed_config: { "@type": WASM_TYPE, config: plugin(code, config) } },
            },
          },
        ],
      },
    },
  ];
}

function discovered(): object {
  return {
    name: MODEL_NAME,
    config_discovery: {
      config_source: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
      type_urls: [WASM_TYPE, RBAC_TYPE],
    },
  };
}

function plugin(code: object, configuration: object): object {
  return {
    name: MODEL_NAME,
    root_id: MODEL_NAME,
    allow_on_headers_stop_iteration: true,
    failure_policy: "FAIL_RELOAD",
    reload_config: { backoff: { base_interval: "0.01s", max_interval: "1s" } },
    vm_config: { vm_id: MODEL_NAME, runtime: "envoy.wasm.runtime.v8", code },
    configuration: {
      "@type": "type.googleapis.com/google.protobuf.StringValue",
      value: JSON.stringify(configuration),
    },
  };
}
