import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NODE_IP, NODE_NAME, SECOND_NODE } from "./addresses.ts";
import { cgroupOf, folderOf } from "./configurations.ts";

/** What the kubelet sets for the whole machine. It gets copies of these files of /proc/sys to write to. */
const KUBELET_SYSCTLS = [
  ...["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"],
  ...["kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"],
];

/** Where the first node's programs look. */
const FIXED_FOLDERS = ["/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods", "/var/log/containers"];
const EMPTY_FOLDERS = ["/run", "/var/lib/cni", "/etc/cni"];
/** What has to be there to mount on, on the machine itself. */
export const MOUNT_POINTS = [...FIXED_FOLDERS, ...EMPTY_FOLDERS];

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: "pipe" });
const bind = (source: string, target: string) => run("mount", "--bind", source, target);
const emptyFolder = (path: string) => run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path);

/**
 * Makes the machine as the node sees it: cgroups, sysctls, folders and a network of its own. All of it is in
 * the namespaces of this process and goes with them.
 * @param folder on a disk: the images' overlays can't lie on an overlay
 */
export function prepareMachine(folder: string): void {
  run("hostname", NODE_NAME);
  ownCgroups(folder);
  ownSysctls(folder);
  ownFolders(folder);
  ownNetwork();
}

/** cgroup v1 as seen from the cgroup namespace: pods count to the process that runs the tests. */
function ownCgroups(folder: string): void {
  const root = join(folder, "cgroup");
  mkdirSync(root);
  emptyFolder(root);
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  for (const name of readdirSync("/sys/fs/cgroup")) {
    if (!mounts.some((line) => line.includes(` /sys/fs/cgroup/${name} cgroup `))) continue;
    mkdirSync(join(root, name));
    const options = name === "systemd" ? "none,name=systemd" : name;
    run("mount", "-t", "cgroup", "-o", options, "cgroup", join(root, name));
  }
  // sysfs shows the network of the namespace that mounted it, and hides what was mounted in the one before.
  run("mount", "-t", "sysfs", "sysfs", "/sys");
  run("mount", "--rbind", root, "/sys/fs/cgroup");
}

function ownSysctls(folder: string): void {
  for (const name of KUBELET_SYSCTLS) {
    const copy = join(folder, `sysctl-${name.replaceAll("/", ".")}`);
    writeFileSync(copy, readFileSync(`/proc/sys/${name}`));
    bind(copy, `/proc/sys/${name}`);
  }
}

/** Folders whose paths are fixed in the programs, and the files that tell who has which name. */
function ownFolders(folder: string): void {
  writeFileSync(join(folder, "hosts"), "127.0.0.1 localhost\n");
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${NODE_IP}\n`);
  for (const name of ["hosts", "resolv.conf"]) bind(join(folder, name), `/etc/${name}`);
  for (const path of FIXED_FOLDERS) {
    const own = join(folder, path.slice(1).replaceAll("/", "-"));
    for (const each of [own, path]) mkdirSync(each, { recursive: true });
    bind(own, path);
  }
  for (const path of EMPTY_FOLDERS) {
    mkdirSync(path, { recursive: true });
    emptyFolder(path);
  }
  for (const path of ["/run/netns", "/run/lock"]) mkdirSync(path);
  // Volumes and pods' namespaces are mounts that come later: containers must get to see them.
  run("mount", "--make-rshared", "/");
}

/** Address, folders and cgroup of a second node, once the first is there. */
export function prepareSecondNode(folder: string): void {
  run("ip", "addr", "add", `${SECOND_NODE.ip}/32`, "dev", "node0");
  for (const path of FIXED_FOLDERS) mkdirSync(folderOf(folder, path, SECOND_NODE), { recursive: true });
  for (const controller of readdirSync("/sys/fs/cgroup"))
    mkdirSync(join("/sys/fs/cgroup", controller, cgroupOf(SECOND_NODE)), { recursive: true });
}

function ownNetwork(): void {
  const ip = (line: string) => run("ip", ...line.split(" "));
  ip("link set lo up");
  // Not a dummy interface: some kernels have none.
  ip("link add node0 type veth peer name node0-peer");
  ip("link set node0-peer up");
  ip(`addr add ${NODE_IP}/32 dev node0`);
  ip("link set node0 up");
  // Services' addresses must be routed somewhere before kube-proxy's rules see them. Nothing is behind it.
  ip(`route add default dev node0 src ${NODE_IP}`);
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  const bridged = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  if (existsSync(bridged)) writeFileSync(bridged, "1");
}

/** Removes the cgroups that pods leave: they are the only thing that outlives the namespaces. */
export function removePodCgroups(): void {
  const find = "find /sys/fs/cgroup -mindepth 2 -depth -type d";
  const named = `\\( -path '*/kubepods*' -o -path '*/k8s.io*' -o -path '*${cgroupOf(SECOND_NODE)}' \\)`;
  execFileSync("sh", ["-c", `${find} ${named} -exec rmdir {} + 2>/dev/null || true`]);
}
