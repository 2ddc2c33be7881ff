/** Settings of a Tenant's access log for property tests, valid. */
import fc from "fast-check";
import { accessLogSettings } from "../../tools/api/access-log-settings.ts";
import { LOG_FIELDS } from "../../tools/lib/envoy/log-fields.ts";
import { ABSENT, arbitraryOf } from "./schema-arbitrary.ts";

const AT = "spec.gateway.tuning.accessLog";

const ofFile = fc
  .uniqueArray(fc.constantFrom(...LOG_FIELDS), { minLength: 1, maxLength: 12 })
  .chain((names) =>
    fc.tuple(...names.map((field) => fc.record({ field: fc.constant(field), as: fc.boolean() }))),
  )
  .map((fields) => fields.map(({ field, as }, index) => ({ field, ...(as && { as: `n ${index}"\\` }) })));
/** What the collector counts by. */
const COLLECTED = ["start_time", "duration", "response_code", "grpc_status", "hostname", "request_id"];
const ofCollector = fc
  .uniqueArray(fc.constantFrom(...LOG_FIELDS.filter((name) => !COLLECTED.includes(name))), { maxLength: 6 })
  .map((names) => [...COLLECTED, ...names].map((field) => ({ field })));

const settings = (fields: fc.Arbitrary<unknown>, more: object) =>
  arbitraryOf(accessLogSettings, AT, {
    [`${AT}.fields`]: fields,
    [`${AT}.path`]: fc.constantFrom("/dev/null", "/a b"),
    [`${AT}.redact.paths[]`]: fc.constantFrom("/", "/users/*", "/users/**", "/*/a/*", "//", "/é"),
    ...more,
  });

export const arbitraryAccessLog = fc.oneof(
  settings(ofFile, { [`${AT}.collector`]: ABSENT }),
  settings(ofCollector, {}),
);
