import { ENVOY_FIELDS, isEnvoyField, LOG_FIELDS, type NamedField } from "./log-fields.ts";
import { logFilter, type Sample } from "./log-filter.ts";

export interface FileLogOptions {
  /** Fields of the line; those of the stage are the stage's to write. Default: all. */
  fields?: NamedField[] | undefined;
  /** Default: every request gets a line. */
  sample?: Sample | undefined;
}

/**
 * Envoy's file access logger, one JSON object a line. The access-log stage leaves its members in filter state
 * `wasm.modelgate.log`, escaped and with a comma before each; a request that no filter saw lacks them. No
 * client writes what Envoy's own commands print. `start_time` comes first in any line.
 */
export function fileAccessLog(path: string, { fields, sample }: FileLogOptions = {}): object {
  return {
    name: "envoy.access_loggers.file",
    ...(sample && { filter: logFilter(sample) }),
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: {
        omit_empty_values: true,
        text_format_source: {
          inline_string: `{${envoyMembers(fields).join(",")}%FILTER_STATE(wasm.modelgate.log:PLAIN)%}\n`,
        },
      },
    },
  };
}

function envoyMembers(fields: NamedField[] = LOG_FIELDS.map((field) => ({ field }))): string[] {
  const startTime = fields.find(({ field }) => field === "start_time") ?? { field: "start_time" as const };
  const others = fields.filter(({ field }) => field !== "start_time");
  return [startTime, ...others].flatMap(({ field, as = field }) => {
    if (!isEnvoyField(field)) return [];
    const { command, text } = ENVOY_FIELDS[field];
    // `%` is special in Envoy's format, doubled it is itself.
    return `${JSON.stringify(as).replaceAll("%", "%%")}:${text ? `"${command}"` : command}`;
  });
}
