import { Config, isHeaderName } from "../sdk/pipeline/config";

const DEFAULT_KEY_HEADER = "x-api-key";
/** It always is read, as `Authorization: Bearer`. */
const AUTHORIZATION = "authorization";
const MOST_KEY_HEADERS: i32 = 32;

/**
 * Headers that the gateway, or the way to it, needs for something else than a key or the tenant's name: a
 * key's header is removed. tools/api/fields.ts has the same.
 */
const RESERVED: string[] = [
  "taskid",
  "version",
  "host",
  "cookie",
  "accept",
  "connection",
  "content-digest",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "keep-alive",
  "proxy-connection",
  "signature",
  "signature-input",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Reads `apiKey.headers`: headers that may hold the key beside `Authorization`, in lower case.
 * @param config null: the default
 */
export function readKeyHeaders(config: Config | null): string[] {
  if (config == null || !config.has("headers")) return [DEFAULT_KEY_HEADER];
  const texts = config.texts("headers");
  const names: string[] = [];
  for (let i = 0; i < texts.length; i++) {
    const name = texts[i].toLowerCase();
    if (names.includes(name)) config.fault(`headers[${i.toString()}]`, "is there twice");
    else if (!isHeaderName(name)) config.fault(`headers[${i.toString()}]`, "must be the name of a header");
    else if (RESERVED.includes(name)) config.fault(`headers[${i.toString()}]`, `${name} has another use`);
    else if (name != AUTHORIZATION) names.push(name);
  }
  if (texts.length > MOST_KEY_HEADERS) config.fault("headers", "must be 32 at most");
  return names;
}

/** Reads `tenantHeader`, which must be there. @param keyHeaders those that may hold the key */
export function readTenantHeader(config: Config, keyHeaders: string[]): string {
  const name = config.headerName("tenantHeader");
  if (RESERVED.includes(name) || name == AUTHORIZATION || keyHeaders.includes(name))
    config.fault("tenantHeader", `${name} has another use`);
  return name;
}
