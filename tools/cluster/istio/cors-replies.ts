import type { CorsPolicy } from "../../api/cors.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";

/** A mapper of Envoy's `local_reply_config`. */
export interface ReplyMapper {
  filter: object;
  [field: string]: unknown;
}

/** As filters/sdk/pipeline/cross-origin.ts has them. */
const EXPOSED =
  "retry-after, ratelimit, ratelimit-policy, www-authenticate, x-request-id, inference-header-content-length, grpc-status, grpc-message, grpc-status-details-bin";

/**
 * What Envoy's own answers (no route, overload, a trapped VM, a timeout) say to pages of other origins that
 * may call. The filter's own replies have these headers already.
 */
export function corsReplies({ spec }: Tenant, tasks: ModelTask[]): ReplyMapper[] {
  const own = tasks.flatMap(({ spec: { taskid, cors } }) => (cors ? [{ taskid, cors }] : []));
  const others = own.map(({ taskid }) => header("taskid", { exact: taskid }, true));
  return [
    ...own.map(({ taskid, cors }) => mapper(cors, [header("taskid", { exact: taskid })])),
    ...(spec.cors ? [mapper(spec.cors, others)] : []),
  ];
}

/** Both mappers' conditions, and what both do. */
export function both(first: ReplyMapper, second: ReplyMapper): ReplyMapper {
  return { ...first, ...second, filter: allOf([first.filter, second.filter]) };
}

function mapper({ origins, credentials }: CorsPolicy, more: object[]): ReplyMapper {
  const headers = {
    "access-control-allow-origin": "%REQ(ORIGIN)%",
    "access-control-expose-headers": EXPOSED,
    ...(credentials && { "access-control-allow-credentials": "true" }),
    vary: "origin",
  };
  return {
    filter: allOf([anyOf(origins.map(isFrom)), ...more]),
    headers_to_add: Object.entries(headers).map(([key, value]) => ({
      header: { key, value },
      append_action: "ADD_IF_ABSENT",
    })),
  };
}

/** `*` stands for every origin, or for the first labels of a host. */
function isFrom(origin: string): object {
  if (origin === "*") return { header_filter: { header: { name: "origin", present_match: true } } };
  const [prefix = "", suffix] = origin.split("*");
  if (suffix === undefined) return header("origin", { exact: origin });
  return allOf([header("origin", { prefix }), header("origin", { suffix })]);
}

function header(name: string, match: object, invert = false): object {
  return { header_filter: { header: { name, string_match: match, ...(invert && { invert_match: true }) } } };
}

/** Envoy's filters of several take two at least. */
function allOf(filters: object[]): object {
  return filters.length > 1 ? { and_filter: { filters } } : (filters[0] ?? {});
}

function anyOf(filters: object[]): object {
  return filters.length > 1 ? { or_filter: { filters } } : (filters[0] ?? {});
}
