import { access } from "node:fs/promises";
import { Option } from "commander";
import { KubernetesClient } from "./client.ts";

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
  } else load(process.env.KUBECONFIG ?? "~/.kube/config", () => config.loadFromDefault());
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
