import type { CorsPolicy } from "../../api/cors.ts";
import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";

/** The object `cors` of tenant-auth; undefined where no page of another origin may call. */
export function corsConfig({ spec }: Tenant, tasks: ModelTask[]): object | undefined {
  const ofTasks = tasks.flatMap(({ spec: { taskid, cors } }) => (cors ? [{ taskid, ...policy(cors) }] : []));
  if (!spec.cors && ofTasks.length === 0) return undefined;
  return { ...(spec.cors && policy(spec.cors)), ...(ofTasks.length > 0 && { tasks: ofTasks }) };
}

function policy({ origins, methods, headers, credentials, maxAge }: CorsPolicy): object {
  return {
    origins,
    ...(methods && { methods }),
    ...(headers && { headers }),
    ...(credentials && { credentials }),
    maxAgeSeconds: Math.round(durationMilliseconds(maxAge) / 1000),
  };
}
