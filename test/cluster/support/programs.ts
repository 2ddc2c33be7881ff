import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const CACHE = fileURLToPath(new URL(".cache/cluster", PROJECT_ROOT));
const MODULES = fileURLToPath(new URL("../go", import.meta.url));

interface GoModule {
  /** Folder under test/cluster/go, whose go.mod and go.sum pin all versions. */
  name: string;
  packages: string[];
  /** Files of Go modules to keep beside the programs: module, path in it. */
  files: [string, string][];
}

const GO_MODULES: GoModule[] = [
  {
    name: "istio",
    packages: ["istio.io/istio/pilot/cmd/pilot-discovery", "istio.io/istio/pilot/cmd/pilot-agent"],
    files: [
      ["istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml"],
      ["istio.io/istio", "tools/packaging/common/envoy_bootstrap.json"],
      ["istio.io/istio", "tests/integration/pilot/testdata/gateway-api-crd.yaml"],
    ],
  },
  {
    name: "kubernetes",
    packages: ["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"],
    files: [],
  },
];

/** Folder with the programs of one Go module at the pinned versions. */
async function folderOf(name: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) hash.update(await readFile(join(MODULES, name, file)));
  return join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Path of a program or file that `buildPrograms` left in the cache. */
export async function program(module: "istio" | "kubernetes", name: string): Promise<string> {
  return join(await folderOf(module), name);
}

/** Builds istiod, pilot-agent, kube-apiserver and kube-controller-manager into the cache, once for a pinned version. */
export async function buildPrograms(): Promise<void> {
  for (const module of GO_MODULES) {
    const target = await folderOf(module.name);
    if (await exists(target)) continue;
    const started = Date.now();
    console.error(
      `building ${module.packages.map((path) => path.split("/").at(-1)).join(", ")} (once, minutes) ...`,
    );
    const unfinished = `${target}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    const source = join(MODULES, module.name);
    await go(
      ["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", `${unfinished}/`, ...module.packages],
      source,
    );
    for (const [name, path] of module.files) {
      const { stdout } = await promisify(execFile)("go", ["list", "-m", "-f", "{{.Dir}}", name], {
        cwd: source,
      });
      await cp(join(stdout.trim(), path), join(unfinished, path.split("/").at(-1) ?? path));
    }
    await rename(unfinished, target);
    console.error(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
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
