import type { ModelTask } from "../../api/model-task.ts";
import type { Placement } from "../../api/scaling.ts";

const GPU = "nvidia.com/gpu";

/**
 * Resources of a model server's container: whole cores, requests equal limits, so that the kubelet's static
 * CPU manager binds them.
 */
export function resourcesOf({ cpus, memory, gpus }: Placement): { requests: object; limits: object } {
  const all = { cpu: String(cpus), memory, ...(gpus !== undefined && { [GPU]: String(gpus) }) };
  return { requests: all, limits: { ...all } };
}

/**
 * Environment variables that keep the usual math libraries to the cores of the container, each thread on its
 * own.
 */
export function computeThreads({ cpus, threads = cpus }: Placement): { name: string; value: string }[] {
  const count = String(threads);
  return [
    { name: "OMP_NUM_THREADS", value: count },
    { name: "OMP_PROC_BIND", value: "close" },
    { name: "OMP_PLACES", value: "cores" },
    { name: "MKL_NUM_THREADS", value: count },
    { name: "OPENBLAS_NUM_THREADS", value: count },
    { name: "TF_NUM_INTRAOP_THREADS", value: count },
  ];
}

/** What the kubelets of nodes for such pods must be told: a KubeletConfiguration. */
export function kubeletConfiguration({ numaNodes }: Placement): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    cpuManagerPolicy: "static",
    cpuManagerPolicyOptions: { "full-pcpus-only": "true" },
    topologyManagerPolicy: numaNodes === "single" ? "single-numa-node" : "best-effort",
    topologyManagerScope: "container",
    reservedSystemCPUs: "0",
  };
}

/** Why a task's replicas are placed as they are, in sentences. */
export function explainPlacement({ metadata, spec: { placement, workload } }: ModelTask): string[] {
  const name = `ModelTask ${metadata.name}`;
  if (!placement)
    return [
      `${name} has no spec.placement: its Deployment's own resources hold, and the kubelet binds no cores.`,
      "With cpus and memory in spec.placement, modelgate render --target deployment-patch sets what binding needs.",
    ];
  const { cpus, memory, threads = cpus, numaNodes, gpus } = placement;
  return [
    `${name} asks for ${cpus} whole cores and ${memory}${gpus === undefined ? "" : ` and ${gpus} GPUs`} a replica${numaNodes === "single" ? ", all on one NUMA node" : ""}.`,
    `Requests equal limits in every container of the pod, the sidecar's too, so its quality of service is Guaranteed: only then does the kubelet's static CPU manager bind cores, and it binds those of containers that ask for a whole number (the container ${workload.container}; the sidecar shares the rest).`,
    `Bound cores are ${workload.container}'s alone: no other pod's thread runs there, caches stay warm, and the CFS quota does not throttle it in the middle of a request.`,
    numaNodes === "single"
      ? `topologyManagerPolicy single-numa-node lets a node refuse the pod (TopologyAffinityError) rather than spread its cores over two sockets, where each access to the other's memory takes about twice as long. The scheduler does not know of it: use nodes whose sockets each have ${cpus} free cores, and for refused pods a ReplicaSet makes new ones.`
      : "topologyManagerPolicy best-effort prefers one NUMA node and takes two when it must.",
    `OMP_NUM_THREADS and its like are ${threads}: libraries that count the node's cores would start a thread for each of them, and they would fight over ${cpus}.`,
    ...(threads > cpus ? [`${threads} threads on ${cpus} cores take turns: expect a longer p99.`] : []),
    ...(gpus === undefined
      ? []
      : [
          "The topology manager also puts the GPUs beside the cores, where the device plugin tells their NUMA node.",
        ]),
    ...(cpus % 2 === 1
      ? [
          `full-pcpus-only gives physical cores whole: a node whose cores have two threads each refuses the pod with ${cpus} of them (SMTAlignmentError). Ask for an even number there.`,
        ]
      : []),
    "Memory is bound to the NUMA node only with memoryManagerPolicy Static, which needs reservedMemory for each node.",
    "The nodes' kubelets must be configured; no pod can ask for that. Give these nodes a label and the Deployment a nodeSelector for it:",
  ];
}
