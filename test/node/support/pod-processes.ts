import { readdirSync, readFileSync } from "node:fs";

export interface PodProcess {
  id: number;
  /** Path of its memory cgroup, below the hierarchy's root. */
  cgroup: string;
  command: string;
  /** Number of its effective user. */
  user: number;
  /** Effective capabilities, a bit each. */
  capabilities: bigint;
}

/** The processes of all pods, as the kernel has them: those in the kubelet's cgroups. */
export function podProcesses(): PodProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        const file = (name: string) => readFileSync(`/proc/${id}/${name}`, "utf8");
        const [, cgroup = ""] = /:memory:(.*)/.exec(file("cgroup")) ?? [];
        if (!cgroup.includes("/kubepods")) return [];
        const status = file("status");
        const [, user] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
        const [, capabilities] = /^CapEff:\t([0-9a-f]+)/m.exec(status) ?? [];
        const command = file("cmdline").replaceAll("\0", " ").trim();
        const rights = { user: Number(user), capabilities: BigInt(`0x${capabilities}`) };
        return [{ id: Number(id), cgroup, command, ...rights }];
      } catch {
        return []; // It has ended.
      }
    });
}

/** Envoy in a pod of a gateway. @param uid of the pod @throws Error when it runs none */
export function envoyOf(uid: string): PodProcess {
  const found = podProcesses().find(
    ({ cgroup, command }) => cgroup.includes(`pod${uid}/`) && command.startsWith("/usr/local/bin/envoy"),
  );
  if (!found) throw new Error(`no Envoy runs in the pod ${uid}`);
  return found;
}
