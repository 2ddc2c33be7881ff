import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import { PROTECTION_RUNTIME } from "../../lib/envoy/protection.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { owned, SLICE_LABEL } from "./names.ts";
import { bootstrapOverride, pullCredentials } from "./pod-parts.ts";
import { SEALING_KEY_VARIABLE, type SecretKey, sealingKeyOf } from "./seal.ts";
import { STARTUP_PATH, STARTUP_PORT } from "./startup-check.ts";

/**
 * Stats that rollouts and `status` read, and that Istio's agent counts open connections by when it drains;
 * all others are off unless `tuning.stats`.
 */
export const KEPT_STATS = {
  inclusionPrefixes: ["http.outbound_", "wasm", "wasmcustom", "listener_manager", "server"],
  inclusionSuffixes: ["upstream_rq_total", "upstream_rq_5xx", "upstream_cx_active", "downstream_cx_active"],
};
/**
 * Istio's agent drains at least so long before it looks whether connections are left
 * (MINIMUM_DRAIN_DURATION).
 */
const MINIMUM_DRAIN_SECONDS = 5;
/** For the processes themselves to end. */
const EXIT_SECONDS = 5;
/** Longest request of a task without another timeout, or of none. */
const DEFAULT_TIMEOUT_MS = 15_000;
const STATUS_PORT = 15_021;
/**
 * After so long without a filter the kubelet starts the container again: Istio's agent, which has asked the
 * registry in vain, asks once more then, and not before.
 */
const STARTUP_SECONDS = 60;
/** Of a pod: the Secret with the key that it opens sealed secrets with. */
export const SEALING_ANNOTATION = "modelgate.dev/sealing-key";

type Deployment = NonNullable<Tenant["spec"]["gateway"]["deployment"]>;

/**
 * The tenant's gateway itself: Deployment, Service, HorizontalPodAutoscaler, PodDisruptionBudget,
 * ServiceAccount, NetworkPolicy. Istio's injection makes the container `istio-proxy`. The pods keep to the
 * Pod Security Standard `restricted`. They start without loss (the startup probe waits for the filter and
 * gates readiness, readiness gates traffic) and stop without loss: preStop waits while endpoints go, then
 * Istio's agent drains the Envoy (`Connection: close`, GOAWAY) until no connection is left, or the grace
 * period ends.
 * @param tasks whose longest timeout the grace period must have room for
 * @param sealing whether secrets are sealed for the pods: those from before their key was made start anew
 * @returns nothing when the Tenant has no `deployment`: its pods are somebody else's
 */
export function gatewayWorkload(tenant: Tenant, tasks: ModelTask[], sealing = false): Manifest[] {
  const { name, namespace, deployment, tls, tuning } = tenant.spec.gateway;
  if (!deployment) return [];
  const metadata = owned(tenant.metadata.name, name, namespace);
  const selector = { matchLabels: gatewaySelector(tenant) };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...(tls ? [secretsBinding(metadata)] : []),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { selector, strategy: STRATEGY, template: podTemplate(tenant, deployment, tasks, sealing) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, annotations: deployment.serviceAnnotations },
      spec: { type: deployment.serviceType, selector: gatewaySelector(tenant), ports: ports(tenant) },
    },
    {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        minReplicas: deployment.minReplicas,
        maxReplicas: Math.max(deployment.minReplicas, deployment.maxReplicas),
        metrics: [
          {
            type: "Resource",
            resource: {
              name: "cpu",
              target: { type: "Utilization", averageUtilization: deployment.cpuUtilizationPercent },
            },
          },
        ],
      },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { selector, maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" },
    },
    ...(tuning.stats ? [] : [networkPolicy(tenant)]),
  ];
}

/** Istiod gives certificates only to gateways whose ServiceAccount may list the Secrets of its namespace. */
function secretsBinding(metadata: Manifest["metadata"]): Manifest {
  const { name, namespace } = metadata;
  const apiGroup = "rbac.authorization.k8s.io";
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup, kind: "ClusterRole", name: "modelgate-gateway" },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  };
}

/**
 * Lets in what a gateway serves and what probes its health: the ports at which Istio's agent and Envoy offer
 * metrics are closed.
 * `status` and rollouts reach Envoy's admin interface from within the pod.
 */
function networkPolicy(tenant: Tenant): Manifest {
  const { name, namespace, port } = tenant.spec.gateway;
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: owned(tenant.metadata.name, name, namespace),
    spec: {
      podSelector: { matchLabels: gatewaySelector(tenant) },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [port, STATUS_PORT, STARTUP_PORT].map((each) => ({ port: each, protocol: "TCP" })) },
      ],
    },
  };
}

/** A pod goes only when its successor serves. */
const STRATEGY = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } };

function ports({ spec: { gateway } }: Tenant): object[] {
  return [
    {
      name: gateway.tls ? "https" : "http2",
      port: gateway.port,
      targetPort: gateway.port,
      protocol: "TCP",
    },
  ];
}

function podTemplate(tenant: Tenant, deployment: Deployment, tasks: ModelTask[], sealing: boolean): object {
  const { name, port, tuning } = tenant.spec.gateway;
  const sealingKey = sealingKeyOf(tenant);
  const parts = [bootstrapOverride(tenant), pullCredentials(tenant)];
  const env = [
    ...(sealingKey ? [sealingKeyVariable(tenant, sealingKey)] : []),
    ...parts.flatMap((part) => part.env),
  ];
  const volumeMounts = parts.flatMap((part) => part.volumeMounts);
  const volumes = parts.flatMap((part) => part.volumes);
  const labels = gatewaySelector(tenant);
  const proxyConfig = {
    ...(!tuning.stats && { proxyStatsMatcher: KEPT_STATS }),
    // Istio takes texts.
    runtimeValues: Object.fromEntries(
      Object.entries(PROTECTION_RUNTIME).map(([key, value]) => [key, String(value)]),
    ),
    proxyMetadata: {
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true",
      MINIMUM_DRAIN_DURATION: `${MINIMUM_DRAIN_SECONDS}s`,
    },
  };
  const startup = { httpGet: { path: STARTUP_PATH, port: STARTUP_PORT } };
  const readiness = { httpGet: { path: "/healthz/ready", port: STATUS_PORT } };
  return {
    metadata: {
      labels: {
        ...labels,
        [SLICE_LABEL]: "stable",
        "sidecar.istio.io/inject": "true",
        "service.istio.io/canonical-name": name,
      },
      annotations: {
        "inject.istio.io/templates": "gateway",
        "proxy.istio.io/config": JSON.stringify(proxyConfig),
        ...Object.assign({}, ...parts.map((part) => part.annotations)),
        ...(sealing && { [SEALING_ANNOTATION]: sealingKey?.name }),
        ...(!tuning.stats && { "prometheus.io/scrape": "false" }),
      },
    },
    spec: {
      serviceAccountName: name,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      terminationGracePeriodSeconds: gracePeriodSeconds(deployment, tasks),
      topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
        (topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: labels },
        }),
      ),
      containers: [
        {
          name: "istio-proxy",
          image: "auto",
          ...(env.length > 0 && { env }),
          ...(volumeMounts.length > 0 && { volumeMounts }),
          // With none, the API server says Always, and a registry that is down keeps every pod from starting
          // again.
          imagePullPolicy: "IfNotPresent",
          ports: [{ name: "gateway", containerPort: port, protocol: "TCP" }],
          resources: { requests: deployment.requests, limits: deployment.limits },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          startupProbe: {
            ...startup,
            ...{ periodSeconds: 1, failureThreshold: STARTUP_SECONDS },
            // It has served nobody.
            terminationGracePeriodSeconds: 1,
          },
          readinessProbe: { ...readiness, periodSeconds: 5, failureThreshold: 3 },
          lifecycle: { preStop: { sleep: { seconds: seconds(deployment.drain) } } },
        },
      ],
      ...(volumes.length > 0 && { volumes }),
    },
  };
}

/** A key that the Tenant does not name is there once a secret is to be sealed. */
function sealingKeyVariable({ spec }: Tenant, { name, key }: SecretKey): object {
  const optional = spec.gateway.sealingKey === undefined;
  return {
    name: SEALING_KEY_VARIABLE,
    valueFrom: { secretKeyRef: { name, key, ...(optional && { optional }) } },
  };
}

/** The wait for endpoints to go, the drain, and the longest request, unless the Tenant says another. */
function gracePeriodSeconds({ terminationGracePeriod, drain }: Deployment, tasks: ModelTask[]): number {
  if (terminationGracePeriod !== undefined) return seconds(terminationGracePeriod);
  const timeouts = tasks.map(({ spec }) => durationMilliseconds(spec.timeout));
  const longest = Math.ceil(Math.max(DEFAULT_TIMEOUT_MS, ...timeouts) / 1000);
  return seconds(drain) + MINIMUM_DRAIN_SECONDS + longest + EXIT_SECONDS;
}

function seconds(duration: string): number {
  return Math.max(1, Math.ceil(durationMilliseconds(duration) / 1000));
}
