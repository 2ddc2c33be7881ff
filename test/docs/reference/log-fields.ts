import { page } from "./markdown.ts";
import { tablesOf } from "./readme.ts";

export const LOG_README = "filters/access-log/README.md";

/** The members of a line, from the tables beside the stage's code. */
export function logFieldsPage(): string {
  const [envoy = "", stage = ""] = tablesOf(LOG_README, "field");
  return page(
    "Log fields",
    "One JSON object a request, on one line. A Tenant chooses and renames fields in `spec.gateway.tuning.accessLog`. Ways out, sampling and redaction: [access-log](../../filters/access-log/README.md).",
    "## From Envoy",
    envoy,
    "## From the filter",
    "A field without a value is left out.",
    stage,
  );
}
