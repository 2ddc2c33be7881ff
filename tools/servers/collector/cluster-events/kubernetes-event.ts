import type { CoreV1Event } from "@kubernetes/client-node";
import type { Event } from "../query/events.ts";
import type { Owners } from "./owners.ts";

/**
 * What Kubernetes tells of a tenant's objects, as an event of the time line.
 * @returns undefined for others' objects
 */
export function fromKubernetes(event: CoreV1Event, owners: Owners): Event | undefined {
  const { kind = "", name = "", namespace = event.metadata?.namespace ?? "" } = event.involvedObject;
  const owner = owners.of(namespace, name);
  const time =
    event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp;
  if (owner === undefined || !time) return undefined;
  const times = event.series?.count ?? event.count ?? 1;
  return {
    time: new Date(time).toISOString(),
    type: "kubernetes",
    reason: event.reason ?? "",
    message:
      `${event.type === "Warning" ? "Warning: " : ""}${event.message ?? ""}${times > 1 ? ` (${times} times)` : ""}`.slice(
        0,
        1024,
      ),
    ...owner,
    version: "",
    source: `${kind}/${namespace}/${name}`,
  };
}
