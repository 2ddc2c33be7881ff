import { durationMilliseconds } from "../../api/fields.ts";
import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { keptBack } from "../../api/traffic.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { HttpRule } from "./http-rule.ts";
import { namespaceOf, owned, subsetName } from "./names.ts";

const GATEWAY_API = "gateway.networking.k8s.io/v1";
/** A GRPCRoute serves gRPC callers only; both kinds may not share a host. */
export type RouteKind = "HTTPRoute" | "GRPCRoute";

interface Match {
  type: "Exact" | "RegularExpression";
  name: string;
  value: string;
}

/**
 * The same routing by the Gateway API: a Gateway that selects the tenant's namespaces, and a route for each
 * task. It has no subsets, so each version gets a Service of its own. Load balancing, circuit breaking and
 * injected faults have no field there.
 * @throws Error for a language model that callers call over HTTP, behind routes for gRPC
 */
export function gatewayRoutes(tenant: Tenant, tasks: ModelTask[], kind: RouteKind): Manifest[] {
  const ofHttp = tasks.find(({ spec }) => spec.protocol === "openai");
  if (kind === "GRPCRoute" && ofHttp)
    throw new Error(
      `ModelTask ${ofHttp.metadata.name}: protocol: openai is HTTP, and gateway-api-grpc serves gRPC callers only: use the target gateway-api or istio`,
    );
  return [
    gatewayOf(tenant),
    ...tasks.flatMap((task) => [...versionServices(task), route(tenant, task, kind)]),
  ];
}

function gatewayOf(tenant: Tenant): Manifest {
  const { name, namespace, hosts, port, tls } = tenant.spec.gateway;
  const namespaces = {
    from: "Selector",
    selector: {
      matchExpressions: [
        { key: "kubernetes.io/metadata.name", operator: "In", values: tenant.spec.namespaces },
      ],
    },
  };
  return {
    apiVersion: GATEWAY_API,
    kind: "Gateway",
    metadata: owned(tenant.metadata.name, name, namespace),
    spec: {
      gatewayClassName: "istio",
      addresses: [{ type: "Hostname", value: `${name}.${namespace}.svc.cluster.local` }],
      listeners: hosts.map((hostname, index) => ({
        name: `host-${index}`,
        ...(hostname === "*" ? {} : { hostname }),
        port,
        protocol: tls ? "HTTPS" : "HTTP",
        ...(tls && {
          tls: {
            mode: "Terminate",
            certificateRefs: [{ name: tls.credentialName }],
            ...(tls.mutual && { options: { "gateway.istio.io/tls-terminate-mode": "MUTUAL" } }),
          },
        }),
        allowedRoutes: { namespaces },
      })),
    },
  };
}

function route(tenant: Tenant, task: ModelTask, kind: RouteKind): Manifest {
  const { spec, metadata } = task;
  const { name, namespace, hosts } = tenant.spec.gateway;
  const taskid = exactly("taskid", spec.taskid);
  return {
    apiVersion: GATEWAY_API,
    kind,
    metadata: owned(tenant.metadata.name, metadata.name, namespaceOf(metadata)),
    spec: {
      parentRefs: [{ name, namespace }],
      ...(hosts.includes("*") ? {} : { hostnames: hosts }),
      rules: [
        ...spec.matches.map(({ header, exact, prefix, version }) => {
          const match = exact === undefined ? beginsWith(header, prefix ?? "") : exactly(header, exact);
          return rule(task, kind, [taskid, match], [backend(task, version)]);
        }),
        ...spec.versions.map(({ name: version }) =>
          rule(task, kind, [taskid, exactly("version", version)], [backend(task, version)]),
        ),
        rule(task, kind, [taskid], weighted(task)),
      ],
    },
  };
}

/**
 * The rules that istiod makes of a task's HTTPRoute or GRPCRoute
 * (pilot/pkg/config/kube/gateway/conversion.go), in the order in which it sorts them: more headers first.
 * Their retries are Istio's own.
 */
export function routeRules(task: ModelTask): HttpRule[] {
  const { spec, metadata } = task;
  const namespace = namespaceOf(metadata);
  const taskid = { taskid: { exact: spec.taskid } };
  const remove = keptBack(spec.forwardHeaders);
  const to = (version?: string) => ({
    host: `${version === undefined ? spec.service.name : versionService(spec.service.name, version)}.${namespace}.svc.cluster.local`,
    port: { number: spec.service.port },
  });
  const matched = [
    ...spec.matches.map(({ header, exact, prefix = "", version }) => ({
      headers: { [header]: exact === undefined ? { regex: prefixPattern(prefix) } : { exact } },
      route: [{ destination: to(version) }],
    })),
    ...spec.versions.map(({ name }) => ({
      headers: { version: { exact: name } },
      route: [{ destination: to(name) }],
    })),
    { headers: {}, route: shares(task).map(({ name, weight }) => ({ destination: to(name), weight })) },
  ];
  return matched.map(({ headers, route }, index) => ({
    name: `${namespace}.${metadata.name}.${index}`,
    match: [{ headers: { ...taskid, ...headers } }],
    route,
    timeout: spec.timeout,
    ...(remove.length > 0 && { headers: { request: { remove } } }),
    ...(spec.mirror && {
      mirrors: [
        {
          destination: to(spec.mirror.version),
          percentage: { value: mirrorFraction(spec.mirror.percent) / 100 },
        },
      ],
    }),
  }));
}

function exactly(name: string, value: string): Match {
  return { type: "Exact", name, value };
}

/** By a regular expression (RE2) of the whole value: there is no other type of match. */
function beginsWith(name: string, prefix: string): Match {
  return { type: "RegularExpression", name, value: prefixPattern(prefix) };
}

function prefixPattern(prefix: string): string {
  return `${prefix.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}.*`;
}

function rule(task: ModelTask, kind: RouteKind, matches: Match[], backendRefs: object[]): object {
  const { timeout } = task.spec;
  const filters = ruleFilters(task);
  return {
    matches: [{ headers: matches }],
    ...(filters.length > 0 && { filters }),
    ...(kind === "HTTPRoute" && { timeouts: { request: gatewayDuration(timeout) } }),
    backendRefs,
  };
}

function ruleFilters(task: ModelTask): object[] {
  const { mirror, forwardHeaders } = task.spec;
  const remove = keptBack(forwardHeaders);
  const filters: object[] = [];
  if (remove.length > 0) filters.push({ type: "RequestHeaderModifier", requestHeaderModifier: { remove } });
  if (mirror)
    filters.push({
      type: "RequestMirror",
      requestMirror: {
        backendRef: backend(task, mirror.version),
        // Its field percent takes whole ones only.
        fraction: { numerator: mirrorFraction(mirror.percent), denominator: 10_000 },
      },
    });
  return filters;
}

/** In ten thousandths. */
function mirrorFraction(percent: number): number {
  return Math.round(percent * 100);
}

/** A duration as GEP-2257 has it: no fractions, and at most five digits a unit. */
function gatewayDuration(duration: string): string {
  const milliseconds = Math.round(durationMilliseconds(duration));
  const [seconds, rest] = [Math.floor(milliseconds / 1000), milliseconds % 1000];
  return (seconds > 0 ? `${seconds}s` : "") + (rest > 0 ? `${rest}ms` : "");
}

function weighted(task: ModelTask): object[] {
  return shares(task).map(({ name, weight }) => ({
    ...backend(task, name),
    ...(weight !== undefined && { weight }),
  }));
}

/**
 * What each version gets of the requests that name none; all goes to the task's own Service where no version
 * has a weight.
 */
function shares({ spec }: ModelTask): { name?: string; weight?: number }[] {
  const weighted = spec.versions.filter(({ weight = 0 }) => weight > 0);
  if (weighted.length === 0) return [{}];
  return weighted.map(({ name, weight = 0 }) => ({ name, weight: Math.round(weight * 100) }));
}

function backend({ spec: { service } }: ModelTask, version?: string): object {
  return {
    name: version === undefined ? service.name : versionService(service.name, version),
    port: service.port,
  };
}

function versionService(service: string, version: string): string {
  return `${service}-${subsetName(version)}`;
}

/** @throws Error for a version without labels: a Service needs all labels of its pods */
function versionServices(task: ModelTask): Manifest[] {
  const { spec, metadata } = task;
  const { port, targetPort = port } = spec.service;
  const protocol = passesOpenAi(spec)
    ? { name: "http", appProtocol: "http" }
    : { name: "grpc", appProtocol: "kubernetes.io/h2c" };
  return spec.versions.map(({ name, labels }) => {
    if (!labels)
      throw new Error(
        `ModelTask ${namespaceOf(metadata)}/${metadata.name}: spec.versions: ${name}: the Gateway API has no subsets: name in labels all that selects the pods of this version`,
      );
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: owned(spec.tenant, versionService(spec.service.name, name), namespaceOf(metadata)),
      spec: {
        selector: labels,
        ports: [{ port, targetPort, ...protocol }],
      },
    };
  });
}
