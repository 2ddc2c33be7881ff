import { type Condition, readyCondition, type Status } from "../../cluster/stored/condition.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

export type Finding = Pick<Condition, "status" | "reason" | "message">;

const COMPONENT = "modelgate-controller";
/** Longest message of a condition (metav1.Condition), and of an Event. */
const CONDITION_LENGTH = 32_768;
const EVENT_LENGTH = 1024;

/** Longest spec that is kept in the status, so that the object stays well below etcd's 1.5 MiB. */
const MOST_KEPT = 262_144;

/**
 * Writes the condition Ready when it says something new, and an Event with it. Of a resource that was
 * applied, its spec stays in the status, to be served when a later one is at fault.
 * @param isApplied the cluster holds what the spec says, ready or not
 * @throws ApiError 409 when the resource is not as it was read any more
 */
export async function report(
  client: KubernetesClient,
  object: Manifest,
  finding: Finding,
  isApplied = false,
): Promise<void> {
  const generation = Number(object.metadata.generation ?? 0);
  const status = (object.status ?? {}) as Status;
  const before = readyCondition(status);
  const message = finding.message.slice(0, CONDITION_LENGTH);
  const isSame =
    before?.status === finding.status && before.reason === finding.reason && before.message === message;
  const applied = (isApplied ? keptSpec(object) : undefined) ?? status.applied;
  if (isSame && applied === status.applied && before.observedGeneration === generation) return;
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const ready: Condition = {
    type: "Ready",
    ...finding,
    message,
    observedGeneration: generation,
    lastTransitionTime: before?.status === finding.status ? before.lastTransitionTime : now,
  };
  const others = (status.conditions ?? []).filter(({ type }) => type !== "Ready");
  const { resourceVersion } = object.metadata;
  const patch = {
    metadata: { resourceVersion },
    status: {
      observedGeneration: generation,
      conditions: [...others, ready],
      ...(applied !== undefined && { applied }),
    },
  };
  await client.mergePatch(object, patch, "/status");
  if (!isSame) await sendEvent(client, object, finding);
}

function keptSpec({ spec }: Manifest): string | undefined {
  const text = JSON.stringify(spec);
  return text.length <= MOST_KEPT ? text : undefined;
}

/**
 * An Event on the resource, as `kubectl describe` shows it; those of Tenants, which have no namespace, are in
 * `default`.
 */
export async function sendEvent(client: KubernetesClient, object: Manifest, finding: Finding): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace = "default", uid, resourceVersion } = metadata;
  const now = new Date().toISOString();
  await client.send("POST", `api/v1/namespaces/${namespace}/events`, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
    involvedObject: { apiVersion, kind, name, namespace: metadata.namespace, uid, resourceVersion },
    type: finding.status === "False" ? "Warning" : "Normal",
    reason: finding.reason,
    message: finding.message.slice(0, EVENT_LENGTH),
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  });
}
