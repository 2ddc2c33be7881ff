import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { keptBack } from "../../api/traffic.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Destination, HeaderRules, HttpRule, WeightedDestination } from "./http-rule.ts";
import { gatewayReference, NETWORKING, namespaceOf, owned, serviceHost, subsetName } from "./names.ts";

/** Weights are whole numbers in Istio; those of a task may have two decimals. */
const WEIGHT_SCALE = 100;

/**
 * Routes a task's requests, by header `taskid`: first its A/B matches, then the version that the header
 * `version` names, then by weight. A version that the task does not have finds no route.
 */
export function virtualService(tenant: Tenant, task: ModelTask): Manifest {
  const { metadata } = task;
  return {
    apiVersion: NETWORKING,
    kind: "VirtualService",
    metadata: owned(tenant.metadata.name, metadata.name, namespaceOf(metadata)),
    spec: {
      hosts: tenant.spec.gateway.hosts,
      gateways: [gatewayReference(tenant)],
      http: httpRules(task),
    },
  };
}

/** The rules of a task's VirtualService, in the order in which they are tried. */
export function httpRules(task: ModelTask): HttpRule[] {
  const { spec } = task;
  const taskid = { taskid: { exact: spec.taskid } };
  const rule = (name: string, match: HeaderRules, route: WeightedDestination[]): HttpRule => ({
    name,
    match: [match],
    route,
    ...common(task),
  });
  const to = (version: string) => [{ destination: destination(task, version) }];
  const unversioned = spec.versions.length > 0 ? { withoutHeaders: { version: {} } } : {};
  return [
    ...spec.matches.map(({ header, exact, prefix, version }, index) => {
      const value = exact !== undefined ? { exact } : prefix !== undefined ? { prefix } : {};
      return rule(`match-${index}`, { headers: { ...taskid, [header]: value } }, to(version));
    }),
    ...spec.versions.map(({ name }) =>
      rule(`version-${subsetName(name)}`, { headers: { ...taskid, version: { exact: name } } }, to(name)),
    ),
    rule("default", { headers: taskid, ...unversioned }, weighted(task)),
  ];
}

function destination(task: ModelTask, version?: string): Destination {
  return {
    host: serviceHost(task),
    port: { number: task.spec.service.port },
    ...(version !== undefined && { subset: subsetName(version) }),
  };
}

function weighted(task: ModelTask): WeightedDestination[] {
  const shares = task.spec.versions.filter(({ weight }) => weight !== undefined && weight > 0);
  if (shares.length === 0) return [{ destination: destination(task) }];
  return shares.map(({ name, weight = 0 }) => ({
    destination: destination(task, name),
    weight: Math.round(weight * WEIGHT_SCALE),
  }));
}

/** Timeout, retries, headers, mirror and injected faults: the same for each rule of the task. */
function common(task: ModelTask): Omit<HttpRule, "name" | "match" | "route"> {
  const { timeout, retries, mirror, fault, forwardHeaders } = task.spec;
  const remove = keptBack(forwardHeaders);
  const percentage = (value: number) => ({ value });
  return {
    timeout,
    ...(remove.length > 0 && { headers: { request: { remove } } }),
    retries:
      retries.attempts === 0
        ? { attempts: 0 }
        : {
            attempts: retries.attempts,
            retryOn: retries.on.join(","),
            ...(retries.perTryTimeout && { perTryTimeout: retries.perTryTimeout }),
          },
    ...(mirror && {
      mirrors: [{ destination: destination(task, mirror.version), percentage: percentage(mirror.percent) }],
    }),
    ...(fault && {
      fault: {
        ...(fault.delay && {
          delay: { fixedDelay: fault.delay.duration, percentage: percentage(fault.delay.percent) },
        }),
        ...(fault.abort && {
          abort: { httpStatus: fault.abort.status, percentage: percentage(fault.abort.percent) },
        }),
      },
    }),
  };
}
