import { afterEach, beforeEach, expect, it } from "vitest";
import { waitUntilRolledOut } from "../../../tools/cluster/deploy/wait.ts";
import { notRolledOut } from "../../../tools/cluster/deploy/workload-readiness.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const labels = { app: "collector" };
const workload: Manifest = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "collector", namespace: "system" },
  spec: { replicas: 1, selector: { matchLabels: labels } },
} as Manifest;
const BEHIND = "StatefulSet system/collector has 0 of 1 pods available, 0 of them up to date";

let api: FakeApiServer;
beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
  await api.apply(workload);
});
afterEach(() => api.stop());

const pod = (status: object): Manifest =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "collector-0", namespace: "system", labels },
    status,
  }) as Manifest;
const claim = (storageClassName?: string): Manifest =>
  ({
    ...{ apiVersion: "v1", kind: "PersistentVolumeClaim" },
    metadata: { name: "store-collector-0", namespace: "system", labels },
    spec: storageClassName === undefined ? {} : { storageClassName },
    status: { phase: "Pending" },
  }) as Manifest;
const waiting = (reason: string, message?: string) =>
  pod({ containerStatuses: [{ name: "collector", state: { waiting: { reason, message } } }] });

it.each<[string, Manifest[], string]>([
  ["without a pod", [], BEHIND],
  ["that starts", [waiting("ContainerCreating")], BEHIND],
  [
    "whose image can't be pulled",
    [waiting("ImagePullBackOff", "no such image")],
    `${BEHIND}; pod collector-0 waits: container collector: ImagePullBackOff: no such image`,
  ],
  [
    "that ends again and again",
    [
      pod({
        containerStatuses: [
          {
            name: "collector",
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated: { reason: "Error", exitCode: 1 } },
          },
        ],
      }),
    ],
    `${BEHIND}; pod collector-0 waits: container collector: CrashLoopBackOff (it ended before: Error, exit code 1)`,
  ],
  [
    "that fits no node, with a claim without a class",
    [
      pod({
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no room" }],
      }),
      claim(),
    ],
    `${BEHIND}; pod collector-0 waits: Unschedulable: no room; claim store-collector-0 has no volume: it names no StorageClass, and the cluster has no default one`,
  ],
  [
    "with a claim of a class that is not there",
    [claim("fast")],
    `${BEHIND}; claim store-collector-0 has no volume: there is no StorageClass fast`,
  ],
])("a workload %s", async (_name, objects, wanted) => {
  await api.apply(...objects);
  expect(await notRolledOut(api.client, [workload])).toBe(wanted);
});

it("waits until it is there, says each reason once, and gives up with the last", async () => {
  const said: string[] = [];
  const waited = waitUntilRolledOut(api.client, [workload], 30, (line) => said.push(line));
  await expect.poll(() => said).toEqual([`waiting: ${BEHIND}`]);
  const status = { observedGeneration: 1, updatedReplicas: 1, availableReplicas: 1, replicas: 1 };
  await api.client.mergePatch(workload, { status }, "/status");
  await waited;
  await api.client.mergePatch(workload, { status: {} }, "/status");
  await expect(waitUntilRolledOut(api.client, [workload], 0, () => {})).rejects.toThrow(
    `not ready after 0 s: ${BEHIND}`,
  );
});
