import { page, table } from "./markdown.ts";
import { tablesOf } from "./readme.ts";

/** Each stage's field of the plug-in configuration, the README that tells of it, and how its table starts. */
export const STAGES = [
  ["modelName", "filters/model-name/README.md", "field of `modelName`"],
  ["tenantAuth", "filters/tenant-auth/README.md", "field"],
  ["streams", "filters/stream-time/README.md", "field of `streams`"],
  ["rateLimit", "filters/rate-limit/README.md", "field of `rateLimit`"],
  ["tokenLimit", "filters/rate-limit/tokens/README.md", "field of `tokenLimit`"],
  ["decompression", "filters/decompression/README.md", "field of `decompression`"],
  ["protocolConversion", "filters/protocol-conversion/README.md", "field of `protocolConversion`"],
  ["accessLog", "filters/access-log/README.md", "field of `accessLog`"],
] as const;

/** What the filters read, from the tables beside their code. */
export function pluginConfigurationPage(): string {
  return page(
    "Plug-in configuration",
    "The JSON that configures the filter: `pluginConfig` of the WasmPlugin, and of a file for `modelgate dev --config`. `modelgate render` writes it from Tenants and ModelTasks; you need this page to read it, or to run a filter without them. A misspelt or missing field makes Envoy refuse the configuration, and its log names the field.",
    table(
      ["field", "configures"],
      [
        ...STAGES.map(([key, readme]) => [
          `\`${key}\``,
          `[${readme.split("/").at(-2)}](../../${readme}), below`,
        ]),
        [
          "`filtersBehind`",
          "list of task ids that have a filter of their own behind this one (a converter): it then learns what this one decided",
        ],
      ],
    ),
    ...STAGES.flatMap(([key, readme, heading]) => [`## ${key}`, ...tablesOf(readme, heading)]),
    "## Converters",
    "A converter's module has its own plug-in configuration: `maxRequestBytes` (8 MiB), `maxResponseBytes` (16 MiB), `maxMemoryBytes` (64 MiB) and `contentType` (`application/json`).",
  );
}
