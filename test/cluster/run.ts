import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildPrograms } from "./support/programs.ts";
import { TOKEN_HOST } from "./support/registry.ts";

/** What the lane needs beyond npm, and where it comes from. */
const NEEDED = {
  go: "Go 1.26 or newer",
  etcd: "Debian etcd-server",
  "docker-registry": "Debian docker-registry",
  unshare: "Debian util-linux",
  ip: "Debian iproute2",
};
/** Pods get real addresses, all of them local, in a network of this run alone. */
const POD_NETWORK = "10.88.0.1/16";
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));

/**
 * Runs the cluster tests in namespaces of their own (user, network, mount, process): no port is taken twice, nothing
 * outlives the run, and pilot-agent may write to its fixed path /var/lib/istio.
 */
const NAMESPACES = ["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

function missing(): string[] {
  const found = (program: string) => {
    try {
      execFileSync("sh", ["-c", `command -v ${program}`]);
      return true;
    } catch {
      return false;
    }
  };
  return Object.entries(NEEDED)
    .filter(([program]) => !found(program))
    .map(([program, source]) => `${program} (${source})`);
}

function namespacesAreRefused(): string | undefined {
  try {
    execFileSync("unshare", [...NAMESPACES, "true"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

/** Istio's agent asks no token server at a loopback or private address, but for one that has a name. */
const HOSTS = `(cat /etc/hosts; echo 127.0.0.1 ${TOKEN_HOST}) > /var/lib/hosts && mount --bind /var/lib/hosts /etc/hosts`;

async function run(): Promise<number> {
  const lacking = missing();
  if (lacking.length > 0) {
    console.log(`cluster tests are skipped: install ${lacking.join(", ")}`);
    return 0;
  }
  const refused = namespacesAreRefused();
  if (refused) {
    console.log(`cluster tests are skipped: this user may make no namespaces: ${refused}`);
    return 0;
  }
  await buildPrograms("istio", "kubernetes");
  const script = `ip link set lo up && ip addr add ${POD_NETWORK} dev lo && mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/istio/data && ${HOSTS} && exec "$@"`;
  const child = spawn(
    "unshare",
    [
      ...NAMESPACES,
      "sh",
      "-c",
      script,
      "sh",
      process.execPath,
      VITEST,
      "run",
      "--config",
      CONFIG,
      ...process.argv.slice(2),
    ],
    { stdio: "inherit" },
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

process.exitCode = await run();
