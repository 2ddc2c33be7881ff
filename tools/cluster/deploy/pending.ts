import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

interface ContainerStatus {
  name: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string } };
  lastState?: { terminated?: { reason?: string; exitCode?: number } };
}

interface Pod extends Manifest {
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** A container starts: nothing is wrong yet. */
const STARTING = ["ContainerCreating", "PodInitializing"];

/** Why pods wait, each with its reason as the kubelet or the scheduler tells it; empty when none says why. */
export async function pendingPods(
  client: KubernetesClient,
  namespace: string,
  labelSelector: string,
): Promise<string[]> {
  const pods = (await seen(client.list("v1", "Pod", { namespace, labelSelector }))) as Pod[];
  return pods.flatMap((pod) => {
    const why = whyWaiting(pod);
    return why === undefined ? [] : [`pod ${pod.metadata.name} waits: ${why}`];
  });
}

function whyWaiting({ status = {} }: Pod): string | undefined {
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const { reason, message } = container.state?.waiting ?? {};
    if (reason === undefined || STARTING.includes(reason)) continue;
    const { reason: ended, exitCode } = container.lastState?.terminated ?? {};
    const before = ended === undefined ? "" : ` (it ended before: ${ended}, exit code ${exitCode})`;
    return `container ${container.name}: ${told(reason, message)}${before}`;
  }
  const unscheduled = status.conditions?.find(
    (each) => each.type === "PodScheduled" && each.status === "False",
  );
  return unscheduled && told(unscheduled.reason ?? "not scheduled", unscheduled.message);
}

interface Claim extends Manifest {
  spec: { storageClassName?: string };
  status?: { phase?: string };
}

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** Claims of volumes that have none, and the StorageClass that is missing. */
export async function pendingClaims(
  client: KubernetesClient,
  namespace: string,
  labelSelector: string,
): Promise<string[]> {
  const claims = (await seen(
    client.list("v1", "PersistentVolumeClaim", { namespace, labelSelector }),
  )) as Claim[];
  const pending = claims.filter(({ status }) => status?.phase !== "Bound");
  if (pending.length === 0) return [];
  const classes = await seen(client.list("storage.k8s.io/v1", "StorageClass"));
  return pending.map(({ metadata, spec }) => {
    const { storageClassName: named } = spec;
    const isThere = classes.some((each) =>
      named ? each.metadata.name === named : each.metadata.annotations?.[DEFAULT_CLASS] === "true",
    );
    const missing = named
      ? `there is no StorageClass ${named}`
      : "it names no StorageClass, and the cluster has no default one";
    return `claim ${metadata.name} has no volume${isThere || named === "" ? "" : `: ${missing}`}`;
  });
}

/** Nothing where one may not look: who deploys need not see everything. */
async function seen(listed: Promise<Manifest[]>): Promise<Manifest[]> {
  return listed.catch((error) => {
    if (error instanceof ApiError && error.code === 403) return [];
    throw error;
  });
}

function told(reason: string, message: string | undefined): string {
  return message === undefined || message === "" ? reason : `${reason}: ${message}`;
}
