import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, cp, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findEnvoy } from "../../../tools/lib/envoy/find.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { program } from "../../cluster/support/programs.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(PROJECT_ROOT);
/** Where the containers' names stand that no registry has. */
export const ISTIO_HUB = "modelgate.test/istio";
export const TAG = "test";
export const PAUSE_IMAGE = `modelgate.test/pause:${TAG}`;
export const MODELGATE_IMAGE = `modelgate.test/modelgate:${TAG}`;
export const MODEL_SERVER_IMAGE = `modelgate.test/model-server:${TAG}`;

/** As the OCI image specification has it. */
interface ImageConfig {
  User: string;
  Entrypoint: string[];
  Cmd?: string[];
  Env?: string[];
  WorkingDir?: string;
}

export interface Archive {
  path: string;
  /** Images in it. */
  names: string[];
  bytes: number;
}

/**
 * Makes the images of the pods from files of this machine and the staged package, no engine needed. None has
 * a shell, but for the one that keeps a pod's namespaces; none runs as root.
 * @param folder where the archives go
 */
export async function makeImages(folder: string): Promise<Archive[]> {
  const make = async (name: string, fill: (root: string) => Promise<void>, configs: Images) => {
    const root = join(folder, name);
    await mkdir(join(root, "tmp"), { recursive: true });
    await chmod(join(root, "tmp"), 0o1777);
    await fill(root);
    return pack(root, join(folder, `${name}.tar`), configs);
  };
  const environment = ["PATH=/usr/local/bin:/bin"];
  const istio = (name: string) => ({
    User: "1337:1337",
    Env: environment,
    Entrypoint: [`/usr/local/bin/${name}`],
  });
  const node = { User: "10001:10001", WorkingDir: "/app", Env: [...environment, "NODE_ENV=production"] };
  return [
    await make("pause", (root) => copy("/bin/busybox", join(root, "bin/busybox")), {
      [PAUSE_IMAGE]: { User: "65535:65535", Entrypoint: ["/bin/busybox", "sleep", "1000000000"] },
    }),
    await make("proxy", fillProxy, { [`${ISTIO_HUB}/proxyv2:${TAG}`]: istio("pilot-agent") }),
    await make("pilot", fillPilot, { [`${ISTIO_HUB}/pilot:${TAG}`]: istio("pilot-discovery") }),
    await make("modelgate", fillModelgate, {
      [MODELGATE_IMAGE]: { ...node, Entrypoint: ["node", "tools/cli/bin.js"], Cmd: ["controller"] },
      [MODEL_SERVER_IMAGE]: { ...node, Entrypoint: ["node", "tools/serving/model-server/main.js"] },
    }),
  ];
}

/** Envoy and Istio's agent in the places where Istio's `proxyv2` has them. */
async function fillProxy(root: string): Promise<void> {
  const envoy = await findEnvoy();
  if (!("program" in envoy)) throw new Error("no Envoy program: set ENVOY to one");
  await addProgram(root, envoy.program, "usr/local/bin/envoy");
  await addProgram(root, await program("istio", "pilot-agent"), "usr/local/bin/pilot-agent");
  const bootstrap = join(root, "var/lib/istio/envoy/envoy_bootstrap_tmpl.json");
  await copy(await program("istio", "envoy_bootstrap.json"), bootstrap);
  await copy("/etc/ssl/certs/ca-certificates.crt", join(root, "etc/ssl/certs/ca-certificates.crt"));
}

async function fillPilot(root: string): Promise<void> {
  await addProgram(root, await program("istio", "pilot-discovery"), "usr/local/bin/pilot-discovery");
  await copy("/etc/ssl/certs/ca-certificates.crt", join(root, "etc/ssl/certs/ca-certificates.crt"));
}

/** The staged package with its production dependencies and the Node that runs this. */
async function fillModelgate(root: string): Promise<void> {
  const app = join(root, "app");
  await cp(join(ROOT, "build/package/modelgate"), app, { recursive: true });
  const listed = await run("npm", ["ls", "--omit=dev", "--all", "--parseable"], { cwd: ROOT }).catch(
    // It ends with 1 when optional packages of other machines are not there.
    (error: { stdout: string }) => error,
  );
  for (const path of listed.stdout.trim().split("\n").slice(1))
    await cp(path, join(app, relative(ROOT, path)), {
      recursive: true,
      filter: (each) => !/\.(map|md)$|\.d\.[cm]?ts$/.test(each),
    });
  await addProgram(root, process.execPath, "usr/local/bin/node");
  const files = await readdir(app, { recursive: true });
  for (const file of files.filter((each) => each.endsWith(".node")))
    await addLibraries(root, join(app, file));
}

async function copy(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { dereference: true });
}

async function addProgram(root: string, source: string, target: string): Promise<void> {
  await copy(source, join(root, target));
  await chmod(join(root, target), 0o755);
  await addLibraries(root, source);
}

/** Copies what a program is linked to, to where its linker looks. */
async function addLibraries(root: string, binary: string): Promise<void> {
  const { stdout } = await run("ldd", [binary]).catch(() => ({ stdout: "" }));
  for (const [library] of stdout.matchAll(/\/[^ \n]+(?= \()/g))
    if (!library.startsWith(root)) await copy(library, join(root, library));
}

type Images = Record<string, ImageConfig>;

/**
 * One layer from a folder, as an archive that `ctr images import` and `docker load` read; the same files give
 * the same bytes.
 */
async function pack(root: string, archive: string, images: Images): Promise<Archive> {
  const parts = `${root}.parts`;
  await mkdir(parts);
  await tar(root, join(parts, "layer.tar"), ".");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(join(parts, "layer.tar"))) hash.update(chunk);
  const rootfs = { type: "layers", diff_ids: [`sha256:${hash.digest("hex")}`] };
  const manifest: object[] = [];
  for (const [name, config] of Object.entries(images)) {
    const file = `config-${manifest.length}.json`;
    await writeFile(
      join(parts, file),
      JSON.stringify({ architecture: ARCHITECTURE, os: "linux", config, rootfs }),
    );
    manifest.push({ Config: file, RepoTags: [name], Layers: ["layer.tar"] });
  }
  await writeFile(join(parts, "manifest.json"), JSON.stringify(manifest));
  await tar(parts, archive, ".");
  for (const each of [root, parts]) await rm(each, { recursive: true });
  return { path: archive, names: Object.keys(images), bytes: (await stat(archive)).size };
}

const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;

async function tar(folder: string, archive: string, ...names: string[]): Promise<void> {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"];
  await run("tar", [...same, "-C", folder, "-cf", archive, ...names]);
}
