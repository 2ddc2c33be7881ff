import { execFile } from "node:child_process";
import { cp, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findEnvoy } from "../../../tools/lib/envoy/find.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { program } from "../../cluster/support/programs.ts";
import {
  type Archive,
  addLibraries,
  addProgram,
  copy,
  type Fill,
  type Images,
  makeArchive,
} from "./image-archive.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(PROJECT_ROOT);
/** Where the containers' names stand that no registry has. */
export const ISTIO_HUB = "modelgate.test/istio";
export const TAG = "test";
export const PROXY_IMAGE = `${ISTIO_HUB}/proxyv2:${TAG}`;
/** Envoy alone: the command of a container is its arguments, as in Envoy's own image. */
export const ENVOY_IMAGE = `modelgate.test/envoy:${TAG}`;
export const PAUSE_IMAGE = `modelgate.test/pause:${TAG}`;
export const MODELGATE_IMAGE = `modelgate.test/modelgate:${TAG}`;
export const MODEL_SERVER_IMAGE = `modelgate.test/model-server:${TAG}`;

/**
 * Makes the images of the pods from files of this machine and the staged package, no engine needed. None has
 * a shell, but for the one that keeps a pod's namespaces; none runs as root.
 * @param folder where the archives go
 */
export async function makeImages(folder: string): Promise<Archive[]> {
  const make = (name: string, fill: Fill, configs: Images) => makeArchive(folder, name, fill, configs);
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
    await make("proxy", fillProxy, {
      [PROXY_IMAGE]: istio("pilot-agent"),
      [ENVOY_IMAGE]: { ...istio("envoy"), Entrypoint: [] },
    }),
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
