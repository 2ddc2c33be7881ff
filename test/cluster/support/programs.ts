import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const CACHE = fileURLToPath(new URL(".cache/cluster", PROJECT_ROOT));
const MODULES = fileURLToPath(new URL("../go", import.meta.url));

interface ProgramSet {
  /** Folder under test/cluster/go, whose go.mod and go.sum pin all versions. */
  module: "istio" | "kubernetes" | "helm" | "coredns";
  packages: string[];
  /** Files of Go modules to keep beside the programs: module, path in it. */
  files: [string, string][];
}

/** Programs are built by sets, so that a lane builds no more than it runs. */
const PROGRAM_SETS = {
  istio: {
    module: "istio",
    packages: ["istio.io/istio/pilot/cmd/pilot-discovery", "istio.io/istio/pilot/cmd/pilot-agent"],
    files: [
      ["istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml"],
      ["istio.io/istio", "tools/packaging/common/envoy_bootstrap.json"],
      ["istio.io/istio", "tests/integration/pilot/testdata/gateway-api-crd.yaml"],
    ],
  },
  kubernetes: {
    module: "kubernetes",
    packages: ["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"],
    files: [],
  },
  "kubernetes-node": {
    module: "kubernetes",
    packages: ["kube-scheduler", "kubelet", "kube-proxy", "kubectl"].map(
      (name) => `k8s.io/kubernetes/cmd/${name}`,
    ),
    files: [],
  },
  helm: { module: "helm", packages: ["helm.sh/helm/v4/cmd/helm"], files: [] },
  coredns: { module: "coredns", packages: ["."], files: [] },
  istioctl: { module: "istio", packages: ["istio.io/istio/istioctl/cmd/istioctl"], files: [] },
} satisfies Record<string, ProgramSet>;

export type ProgramSetName = keyof typeof PROGRAM_SETS;

/** Without it, the programs of Kubernetes say that they are v0.0.0-master. */
const VERSION_FLAG = "-X k8s.io/component-base/version.gitVersion=";

/** Folder with the programs of one set at the pinned versions. */
async function folderOf(name: ProgramSetName): Promise<string> {
  const hash = createHash("sha256");
  const folder = join(MODULES, PROGRAM_SETS[name].module);
  for (const file of (await readdir(folder)).toSorted()) hash.update(await readFile(join(folder, file)));
  return join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Path of a program or file that `buildPrograms` left in the cache. */
export async function program(set: ProgramSetName, name: string): Promise<string> {
  return join(await folderOf(set), name);
}

/** Whether `buildPrograms` has nothing to do. */
export async function areBuilt(...sets: ProgramSetName[]): Promise<boolean> {
  return (await Promise.all(sets.map(async (name) => exists(await folderOf(name))))).every(Boolean);
}

/** Builds the programs of these sets into the cache, once for a pinned version. */
export async function buildPrograms(...sets: ProgramSetName[]): Promise<void> {
  for (const name of sets) {
    const target = await folderOf(name);
    if (await exists(target)) continue;
    const { module, packages, files }: ProgramSet = PROGRAM_SETS[name];
    const started = Date.now();
    console.error(
      `building ${packages.map((path) => (path === "." ? module : path.split("/").at(-1))).join(", ")} (once, minutes) ...`,
    );
    const unfinished = `${target}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    const source = join(MODULES, module);
    const version = await goList(source, "{{.Version}}", "k8s.io/kubernetes").catch(() => "");
    const flags = `-ldflags=-s -w${version && ` ${VERSION_FLAG}${version}`}`;
    await go(["build", "-mod=readonly", "-trimpath", flags, "-o", `${unfinished}/`, ...packages], source);
    for (const [dependency, path] of files) {
      const folder = await goList(source, "{{.Dir}}", dependency);
      await cp(join(folder, path), join(unfinished, path.split("/").at(-1) ?? path));
    }
    await rename(unfinished, target);
    console.error(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
}

/** What `go list -m` says of a module. @throws Error when it is none of the build */
async function goList(cwd: string, format: string, module: string): Promise<string> {
  return (await promisify(execFile)("go", ["list", "-m", "-f", format, module], { cwd })).stdout.trim();
}

function go(args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`go ${args[0]} ended with ${code}`)),
    );
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
