import { dump } from "js-yaml";

/**
 * A value of JSON as YAML that readers of YAML 1.2 and of 1.1 (kubectl) both read back as it was: strings
 * such as `on`, `1_000` or a time are quoted. Fields that are undefined are left out.
 */
export function toYaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1, skipInvalid: true, quoteStyle: "double" });
}
