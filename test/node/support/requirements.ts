import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Programs beyond npm, and the Debian packages that they come from. */
const NEEDED = {
  go: "Go 1.26 or newer",
  etcd: "etcd-server",
  "docker-registry": "docker-registry",
  containerd: "containerd",
  runc: "runc",
  nft: "nftables",
  ip: "iproute2",
  unshare: "util-linux",
  openssl: "openssl",
};
/** Files, and the Debian packages that they come from. */
const FILES = {
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  "/bin/busybox": "busybox-static",
  "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
};

/** Options of `unshare`: with its first process all others end. */
export const NAMESPACES = [
  ...["--mount", "--net", "--pid", "--uts", "--cgroup", "--fork", "--kill-child", "--mount-proc"],
  ...["--propagation", "private"],
];

/** Why this machine can run no node; undefined where it can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "a node needs root";
  const lacking = [
    ...Object.entries(NEEDED).filter(
      ([program]) => !succeeds("sh", "-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`),
    ),
    ...Object.entries(FILES).filter(([path]) => !existsSync(path)),
  ].map(([, source]) => source);
  if (lacking.length > 0) return `install ${lacking.join(", ")}`;
  if (!existsSync("/sys/fs/cgroup/memory/cgroup.procs"))
    return "the node is made for cgroup v1, which is not mounted here";
  if (!succeeds("unshare", ...NAMESPACES, "true")) return "this user may make no namespaces";
  const veth = "ip link add node0 type veth peer name node0-peer";
  if (!succeeds("unshare", "--net", "sh", "-c", veth)) return "this kernel lacks veth pairs";
  return undefined;
}

function succeeds(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
