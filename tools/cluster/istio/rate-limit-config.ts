import type { Credential } from "../../api/credential.ts";
import type { Descriptor, Limits } from "../../api/limits.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Priorities } from "../../api/priorities.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import { serviceCluster } from "./names.ts";
import { bearerToken } from "./seal.ts";
import type { SecretLookup } from "./secret-lookup.ts";
import { isCounted } from "./token-limit-config.ts";

/** Where the gateways report to. */
export interface ControllerAddress {
  namespace: string;
  service: string;
  port: number;
  /**
   * Secret in each gateway's namespace whose key `token` holds the token of a ServiceAccount of that
   * namespace: the gateway proves by it that it may report.
   */
  tokenSecret?: string | undefined;
}

export const TOKEN_KEY = "token";

/** Reads `namespace/service:port`. @throws Error that shows the form */
export function parseControllerAddress(text: string): ControllerAddress {
  const [, namespace, service, port] = /^([a-z0-9-]+)\/([a-z0-9-]+):(\d+)$/.exec(text) ?? [];
  if (namespace === undefined || service === undefined)
    throw new Error(
      `${JSON.stringify(text)} is no controller; it looks like modelgate-system/modelgate-controller:8090`,
    );
  return { namespace, service, port: Number(port) };
}

/**
 * Configuration of the stage rate-limit, as filters/rate-limit/limits-config.ts reads it: the limits until
 * the controller says others.
 * @throws Error for a token that `secrets` does not know
 */
export function rateLimitConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  controller: ControllerAddress | undefined,
  secrets: SecretLookup,
): object {
  const { limits, mode, priorities, credentials, descriptors, queue, rateLimitHeaders } = tenant.spec;
  return {
    tasks: tasks.flatMap(({ spec }) => (spec.limits ? [taskLimit(spec, mode)] : [])),
    tenants: limits ? [{ tenant: tenant.metadata.name, ...limitFields(limits), ...modeOf(mode) }] : [],
    ...(descriptors.length > 0 && {
      descriptors: descriptors.map((each) => ({ ...keyOf(each), ...limitFields(each), ...modeOf(mode) })),
    }),
    ...(queue && { queue }),
    ...(rateLimitHeaders && { headers: true }),
    shares: { percent: sharePercent(tenant), maxInFlight: tenant.spec.credentialShare.maxInFlight },
    ...(priorities && { priority: priorityClasses(priorities, credentials) }),
    ...(controller && {
      controller: {
        cluster: reportCluster(controller),
        authority: `${controller.service}.${controller.namespace}:${controller.port}`,
        gateway: gatewayName(tenant),
        ...((tenant.spec.budgets.length > 0 || tasks.some(isCounted)) && { budgets: true }),
        ...(controller.tokenSecret !== undefined && {
          ...bearerToken(
            tenant,
            secrets,
            reportCluster(controller),
            tokenOf(tenant, controller.tokenSecret, secrets),
          ),
        }),
      },
    }),
  };
}

/** The Envoy cluster of the controller's Service. */
export function reportCluster(controller: ControllerAddress): string {
  return serviceCluster(controller);
}

/** Names of the Secrets that a render needs for the gateways' reports. */
export function tokenSecrets(controller: ControllerAddress | undefined): string[] {
  return controller?.tokenSecret === undefined ? [] : [controller.tokenSecret];
}

function tokenOf({ metadata, spec }: Tenant, name: string, secrets: SecretLookup): string {
  const { namespace } = spec.gateway;
  const value = secrets(namespace, name, TOKEN_KEY);
  if (value) return Buffer.from(value).toString().trim();
  throw new Error(
    `Tenant ${metadata.name}: the Secret ${namespace}/${name} of --controller-token-secret, or its key ${TOKEN_KEY}, is not known: make it first (type kubernetes.io/service-account-token)`,
  );
}

/** Who calls alone has no others to leave something to. */
function sharePercent({ spec: { credentialShare, credentials, jwtIssuers } }: Tenant): number {
  if (credentialShare.percent !== undefined) return credentialShare.percent;
  return credentials.length <= 1 && jwtIssuers.length === 0 ? 100 : 50;
}

/** A limit per replica has no rate here: only the controller knows how many there are. */
function taskLimit({ taskid, limits, mode }: ModelTask["spec"], ofTenant: string): object {
  const { burst, ...rest } = limits ?? {};
  return {
    taskid,
    ...limitFields(rest.perReplica === undefined ? { ...rest, burst } : rest),
    // Says as well that the task has a limit when no rate does.
    mode: mode ?? ofTenant,
  };
}

/** The filter's field of each window. */
const WINDOW_FIELDS = {
  minute: "requestsPerMinute",
  hour: "requestsPerHour",
  day: "requestsPerDay",
  month: "requestsPerMonth",
};

function limitFields({ requestsPerSecond, burst, windows = [], cost, exempt }: Limits): object {
  return {
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(burst !== undefined && { burst }),
    ...Object.fromEntries(windows.map(({ per, requests }) => [WINDOW_FIELDS[per], requests])),
    ...(cost && { cost }),
    ...(exempt && { exempt }),
  };
}

function keyOf({ name, header, path, maxKeys }: Descriptor): object {
  return { name, ...(header !== undefined && { header }), ...(path !== undefined && { path }), maxKeys };
}

/** As filters/rate-limit/priority.ts reads it: shares from 0 to 1, and the credentials of each class. */
function priorityClasses({ classes, header, default: own }: Priorities, credentials: Credential[]): object {
  const of = (name: string) => credentials.filter(({ priority }) => priority === name).map(({ id }) => id);
  return {
    ...(header !== undefined && { header }),
    classes: classes.map(({ name, reservedPercent }) => ({
      class: name,
      share: reservedPercent / 100,
      credentials: of(name),
    })),
    default: own ?? classes[0]?.name,
  };
}

function modeOf(mode: string): object {
  return mode === "enforce" ? {} : { mode };
}
