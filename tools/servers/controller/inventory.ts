import type { Credential } from "../../api/credential.ts";
import { revocationOfId } from "../../api/credential-digests.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import type { GatewaySpec } from "./gateway.ts";
import { type LimitSpec, noLimits } from "./limit.ts";

/** What a source knows: the resources, and what runs. */
export interface Inventory {
  tenants: Tenant[];
  tasks: ModelTask[];
  /** Ready replicas of a task's service. */
  replicas(task: ModelTask): number;
  /**
   * Names of the running pods of each gateway, by `namespace/name`; of a gateway that is absent whoever
   * reports is one.
   */
  pods?: Map<string, string[]>;
}

export interface GatewaySpecs {
  gateways: Map<string, GatewaySpec>;
  /** What was left out, and why. */
  warnings: string[];
  /** When a credential that is valid now expires, milliseconds of the wall clock. */
  nextExpiry: number;
}

/**
 * The limits and revocations of each gateway. A task counts one ready replica even when it has none, so that
 * it can come up under load; a task or tenant with `mode: off` has no limit.
 * @param now milliseconds of the wall clock
 */
export function gatewaySpecs({ tenants, tasks, replicas }: Inventory, now: number): GatewaySpecs {
  const result: GatewaySpecs = { gateways: new Map(), warnings: [], nextExpiry: Number.POSITIVE_INFINITY };
  const ofTenant = new Map<string, GatewaySpec>();
  for (const tenant of tenants) {
    const { name } = tenant.metadata;
    const { limits, tokenLimits, mode } = tenant.spec;
    const gateway: GatewaySpec = result.gateways.get(gatewayName(tenant)) ?? {
      ...noLimits(),
      revoked: [],
    };
    result.gateways.set(gatewayName(tenant), gateway);
    ofTenant.set(name, gateway);
    // Windows alone are each gateway pod's own.
    if (limits?.requestsPerSecond !== undefined && mode !== "off")
      gateway.tenants.set(name, rateSpec(limits.requestsPerSecond, limits.burst));
    if (tokenLimits !== undefined && mode !== "off")
      gateway.tenantTokens.set(name, rateSpec(tokenLimits.tokensPerSecond, tokenLimits.burst));
    gateway.revoked.push(...revocations(tenant, now));
    result.nextExpiry = Math.min(result.nextExpiry, nextExpiry(tenant, now));
  }
  for (const gateway of result.gateways.values()) gateway.revoked = [...new Set(gateway.revoked)].sort();
  for (const task of [...tasks].sort(byName)) {
    const { taskid, tenant } = task.spec;
    const gateway = ofTenant.get(tenant);
    const label = `ModelTask/${qualifiedName(task)}`;
    if (gateway === undefined) result.warnings.push(`${label}: spec.tenant: there is no Tenant ${tenant}`);
    else if (gateway.tasks.has(taskid) || gateway.taskTokens.has(taskid))
      result.warnings.push(`${label}: spec.taskid: ${taskid} is another task's already`);
    else limitTask(gateway, task, Math.max(1, replicas(task)));
  }
  return result;
}

function limitTask(gateway: GatewaySpec, { spec }: ModelTask, replicas: number): void {
  const { taskid, limits, mode, protocol, openai } = spec;
  if (mode === "off") return;
  if (limits !== undefined) gateway.tasks.set(taskid, taskSpec(limits, replicas));
  const { tokensPerSecond, perReplica, burst } = openai?.tokenLimits ?? {};
  const tokens = tokensPerSecond ?? (perReplica && perReplica * replicas);
  if (protocol === "openai" && tokens !== undefined) gateway.taskTokens.set(taskid, rateSpec(tokens, burst));
}

function taskSpec(limits: NonNullable<ModelTask["spec"]["limits"]>, replicas: number): LimitSpec {
  const { requestsPerSecond, perReplica = 0, burst, maxInFlightPerReplica } = limits;
  const spec = rateSpec(requestsPerSecond ?? perReplica * replicas, burst);
  if (maxInFlightPerReplica !== undefined) spec.maxInFlight = maxInFlightPerReplica * replicas;
  return spec;
}

function rateSpec(perSecond: number, burst: number | undefined): LimitSpec {
  return burst === undefined ? { perSecond } : { perSecond, burst };
}

/**
 * Digests of what a tenant has revoked: by list, and credentials that are disabled or expired (by key and by
 * id).
 */
export function revocations(tenant: Tenant, now: number): string[] {
  const { credentials, revoked } = tenant.spec;
  const invalid = credentials.filter((credential) => !credential.enabled || expiry(credential) <= now);
  return [
    ...revoked,
    ...invalid.flatMap(({ sha256 }) => sha256 ?? []),
    ...invalid.map(({ id }) => revocationOfId(tenant.metadata.name, id)),
  ];
}

function expiry({ notAfter }: Credential): number {
  return notAfter === undefined ? Number.POSITIVE_INFINITY : Date.parse(notAfter);
}

function nextExpiry({ spec }: Tenant, now: number): number {
  return Math.min(...spec.credentials.map(expiry).filter((time) => time > now));
}

/** `namespace/name` */
function qualifiedName({ metadata }: ModelTask): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

function byName(a: ModelTask, b: ModelTask): number {
  const [left, right] = [qualifiedName(a), qualifiedName(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
