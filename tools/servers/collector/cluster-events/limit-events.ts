import { gatewayName, type Tenant } from "../../../api/tenant.ts";
import type { GatewaySpec } from "../../controller/gateway.ts";
import type { Event } from "../query/events.ts";

/** A limit of a task, or with an empty taskid of a tenant, over all pods of its gateway. */
export interface CurrentLimit {
  tenant: string;
  taskid: string;
  gateway: string;
  requests_per_second: number;
}

/** Requests a second of each limit, by whose it is. */
export type Rates = Map<string, { about: Pick<Event, "tenant" | "taskid" | "gateway">; rate: number }>;

/** @param tenantOf the tenant of a task */
export function ratesOf(
  gateways: Map<string, GatewaySpec>,
  tenants: Tenant[],
  tenantOf: (taskid: string) => string,
): Rates {
  const rates: Rates = new Map();
  for (const [gateway, { tasks }] of gateways)
    for (const [taskid, { perSecond }] of tasks)
      rates.set(`${gateway} ${taskid}`, {
        about: { tenant: tenantOf(taskid), taskid, gateway },
        rate: perSecond,
      });
  for (const tenant of tenants) {
    const { name } = tenant.metadata;
    const gateway = gatewayName(tenant);
    const spec = gateways.get(gateway)?.tenants.get(name);
    if (spec)
      rates.set(`${gateway} tenant ${name}`, {
        about: { tenant: name, taskid: "", gateway },
        rate: spec.perSecond,
      });
  }
  return rates;
}

/** Limits that are new, gone or of another size. */
export function limitEvents(before: Rates, now: Rates, time: string): Event[] {
  const events: Event[] = [];
  for (const key of new Set([...before.keys(), ...now.keys()])) {
    const [old, next] = [before.get(key), now.get(key)];
    const { about } = (next ?? old) as NonNullable<typeof next>;
    if (old?.rate === next?.rate) continue;
    const reason = !old
      ? "LimitSet"
      : !next
        ? "LimitRemoved"
        : next.rate > old.rate
          ? "LimitRaised"
          : "LimitLowered";
    const text = (rate: number | undefined) =>
      rate === undefined ? "no limit" : String(Number(rate.toPrecision(6)));
    const message = `${text(old?.rate)} → ${text(next?.rate)}${next ? " requests/s" : ""}`;
    events.push({
      time,
      type: "limit",
      reason,
      message,
      version: "",
      source: about.taskid ? "task" : "tenant",
      ...about,
    });
  }
  return events;
}
