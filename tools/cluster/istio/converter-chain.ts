import type { ConversionSpec } from "../../api/conversion.ts";
import { WASM_TYPE, type WasmFilter } from "../../lib/envoy/bootstrap.ts";

const MATCHING = "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const COMPOSITE = "type.googleapis.com/envoy.extensions.filters.http.composite.v3";
/** What Istio's agent puts in the place of a module that it can't get: it refuses every request. */
export const RBAC_TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const HEADER_INPUT = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/** Name of the extension configuration that is a task's converter. */
export function converterName(taskid: string): string {
  return `modelgate.converter.${taskid}`;
}

/**
 * The one filter of the chain behind which the converters of all tasks stand: it looks a request's `taskid`
 * up in a map and runs that task's converter, so that a request costs no more for other tasks' converters
 * being there.
 * @param source where Envoy takes the configuration of a converter from (`config_source` of config_discovery)
 */
export function converterChain(taskids: string[], source: (taskid: string) => object): object {
  const action = (taskid: string) => ({
    action: {
      name: "converter",
      typed_config: {
        "@type": `${COMPOSITE}.ExecuteFilterAction`,
        dynamic_config: {
          name: converterName(taskid),
          config_discovery: { config_source: source(taskid), type_urls: [WASM_TYPE, RBAC_TYPE] },
        },
      },
    },
  });
  return {
    name: "modelgate.converters",
    typed_config: {
      "@type": MATCHING,
      extension_config: { name: "composite", typed_config: { "@type": `${COMPOSITE}.Composite` } },
      xds_matcher: {
        matcher_tree: {
          input: { name: "taskid", typed_config: { "@type": HEADER_INPUT, header_name: "taskid" } },
          exact_match_map: { map: Object.fromEntries(taskids.map((taskid) => [taskid, action(taskid)])) },
        },
      },
    },
  };
}

/**
 * Metadata of a listener that has the converters of these tasks: the filter, whose configuration comes by
 * another way than its listener, refuses the requests of a task until the listener names it (FILTERS_BEHIND
 * in filters/sdk/pipeline/plugin.ts).
 */
export function converterMetadata(taskids: string[]): object {
  const filters = Object.fromEntries(taskids.map((taskid) => [taskid, true]));
  return { filter_metadata: { modelgate: { filters } } };
}

/** What a ModelTask says of its converter, in `spec.conversion`. */
export type ConverterSettings = Partial<
  Pick<ConversionSpec, "maxRequestBytes" | "maxResponseBytes" | "contentType">
>;

export function converterSettings(conversion: ConversionSpec): ConverterSettings {
  const { maxRequestBytes, maxResponseBytes, contentType } = conversion;
  return { maxRequestBytes, maxResponseBytes, contentType };
}

/** Where the module comes from: `vm_config.code`. */
type ConverterCode =
  | { local: { filename: string } }
  | { remote: { http_uri: { uri: string; cluster: string; timeout: string } } };

/**
 * The `config` of a converter's Wasm filter. Headers wait for bodies, and a VM that trapped is back soon.
 * Tasks with the same converter share its VM, of which the image is the id.
 */
export function converterPlugin(
  taskid: string,
  code: ConverterCode,
  settings: ConverterSettings = {},
): object {
  const image = "local" in code ? code.local.filename : code.remote.http_uri.uri;
  const name = converterName(taskid);
  return {
    name,
    root_id: name,
    allow_on_headers_stop_iteration: true,
    failure_policy: "FAIL_RELOAD",
    reload_config: { backoff: { base_interval: "0.01s", max_interval: "1s" } },
    vm_config: { vm_id: image, runtime: "envoy.wasm.runtime.v8", code },
    configuration: {
      "@type": "type.googleapis.com/google.protobuf.StringValue",
      value: JSON.stringify({ converter: { taskid, ...settings } }),
    },
  };
}

/** A task's converter from a module on this machine, for `writeFilterConfig`. */
export function localConverter(
  taskid: string,
  modulePath: string,
  settings: ConverterSettings = {},
): WasmFilter {
  return {
    name: converterName(taskid),
    typed_config: {
      "@type": WASM_TYPE,
      config: converterPlugin(taskid, { local: { filename: modulePath } }, settings),
    },
  };
}
