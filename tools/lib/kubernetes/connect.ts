import { existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { Option } from "commander";
import { KubernetesClient } from "./client.ts";

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

export interface ConnectOptions {
  kubeconfig?: string;
  context?: string;
}

export function connectOptions(): Option[] {
  return [
    new Option(
      "--kubeconfig <file>",
      "path of the kubeconfig (default: $KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount)",
    ),
    new Option("--context <name>", "context in the kubeconfig (default: the current one)"),
  ];
}

/** The library's messages do not name the file. */
function load(file: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new Error(`${file}: is no kubeconfig: ${message}`);
  }
}

/**
 * Where the library looks for a cluster by itself; it takes http://localhost:8080 when there is nothing.
 * @throws Error that says where it looked
 */
function requireDefault(): void {
  const file = process.env.KUBECONFIG ?? join(homedir(), ".kube/config");
  if (file.split(delimiter).some(existsSync) || existsSync(SERVICE_ACCOUNT_TOKEN)) return;
  const kubeconfig = process.env.KUBECONFIG ? `$KUBECONFIG (${file})` : `${file} ($KUBECONFIG is not set)`;
  throw new Error(
    `no cluster is known: ${kubeconfig} is not there, and this is no pod; name a kubeconfig with --kubeconfig`,
  );
}

/**
 * A client for the cluster that the options name.
 * @throws Error for a kubeconfig or context that is not there
 */
export async function connect({ kubeconfig, context }: ConnectOptions): Promise<KubernetesClient> {
  // A large library, which the help of a command does not need.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (kubeconfig !== undefined) {
    await access(kubeconfig).catch(() => {
      throw new Error(`${kubeconfig}: cannot be read: check --kubeconfig`);
    });
    load(kubeconfig, () => config.loadFromFile(kubeconfig));
  } else {
    requireDefault();
    load(process.env.KUBECONFIG ?? "~/.kube/config", () => config.loadFromDefault());
  }
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new Error(
        `there is no context ${JSON.stringify(context)} in the kubeconfig (it has ${known.join(", ")})`,
      );
    config.setCurrentContext(context);
  }
  return new KubernetesClient(config);
}
