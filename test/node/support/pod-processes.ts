import { readdirSync, readFileSync } from "node:fs";

export interface PodProcess {
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
        if (!file("cgroup").includes("/kubepods")) return [];
        const status = file("status");
        const [, user] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
        const [, capabilities] = /^CapEff:\t([0-9a-f]+)/m.exec(status) ?? [];
        const command = file("cmdline").replaceAll("\0", " ").trim();
        return [{ command, user: Number(user), capabilities: BigInt(`0x${capabilities}`) }];
      } catch {
        return []; // It has ended.
      }
    });
}
