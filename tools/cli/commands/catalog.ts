import type { Command } from "commander";

/** A command, and what the list of commands says of it. */
export interface CatalogEntry {
  /** Its name, and what it takes. */
  usage: string;
  description: string;
  /** Its code, with all that it needs. */
  load: () => Promise<Command>;
}

/** The commands in the order of the help. What the help says stands here, so that it needs the code of none. */
export const CATALOG: CatalogEntry[] = [
  {
    usage: "build [options] [module...]",
    description: "compile the filters to WebAssembly, into build/",
    load: async () => (await import("./build.ts")).buildCommand(),
  },
  {
    usage: "controller [options]",
    description:
      "serve the gateways their shares of the limits, from Kubernetes or from files; in Kubernetes also bring the cluster to what its Tenants and ModelTasks say",
    load: async () => (await import("./controller.ts")).controllerCommand(),
  },
  {
    usage: "collector [options] [file...]",
    description: "store access logs from files and by HTTP, and compute traffic metrics from them",
    load: async () => (await import("./collector.ts")).collectorCommand(),
  },
  {
    usage: "top [options] [file...]",
    description: "traffic of each task as it is now, live in a terminal",
    load: async () => (await import("./top.ts")).topCommand(),
  },
  {
    usage: "logs [options] [file...]",
    description: "access log lines that a collector has stored, the newest last",
    load: async () => (await import("./logs.ts")).logsCommand(),
  },
  {
    usage: "metrics [options] [file...]",
    description: "traffic from the access logs: requests, errors, refusals, latencies, bytes, in flight",
    load: async () => (await import("./metrics.ts")).metricsCommand(),
  },
  {
    usage: "dev [options]",
    description: "run a local Envoy with the filters in front of a model server",
    load: async () => (await import("./dev.ts")).devCommand(),
  },
  {
    usage: "pack [options] [module]",
    description: "pack a built filter as an OCI image layout and print its digest",
    load: async () => (await import("./pack.ts")).packCommand(),
  },
  {
    usage: "push [options] <reference>",
    description: "push a built filter to an OCI registry and print its reference by digest",
    load: async () => (await import("./push.ts")).pushCommand(),
  },
  {
    usage: "render [options]",
    description: "print what Tenants and ModelTasks need in a cluster; needs no cluster",
    load: async () => (await import("./render.ts")).renderCommand(),
  },
  {
    usage: "validate [options]",
    description:
      "check files of Tenants and ModelTasks, each alone and against one another; needs no cluster",
    load: async () => (await import("./validate.ts")).validateCommand(),
  },
  {
    usage: "diff [options]",
    description:
      "show what apply would change, by a dry run on the server; exit code 0: nothing, 1: something, 2: an error",
    load: async () => (await import("./diff.ts")).diffCommand(),
  },
  {
    usage: "apply [options]",
    description: "bring a cluster to what files of Tenants and ModelTasks say; may be repeated",
    load: async () => (await import("./apply.ts")).applyCommand(),
  },
  {
    usage: "get [options] <kind> [name]",
    description: "list the Tenants or ModelTasks of a cluster",
    load: async () => (await import("./get.ts")).getCommand(),
  },
  {
    usage: "status [options] [tenant...]",
    description: "does each gateway pod run the filter that it should? Asks the Envoys; exit code 1 when not",
    load: async () => (await import("./status.ts")).statusCommand(),
  },
  {
    usage: "delete [options] <kind> <name...>",
    description: "delete Tenants or ModelTasks with all that was made for them",
    load: async () => (await import("./delete.ts")).deleteCommand(),
  },
  {
    usage: "credentials",
    description:
      "make, list, rotate and revoke credentials of Tenants in files or a cluster; explain refusals",
    load: async () => (await import("./credentials.ts")).credentialsCommand(),
  },
  {
    usage: "task",
    description: "work on tasks",
    load: async () => (await import("./task.ts")).taskCommand(),
  },
  {
    usage: "rollout",
    description: "bring a new filter to a gateway's pods step by step, and back when it is worse",
    load: async () => (await import("./rollout.ts")).rolloutCommand(),
  },
  {
    usage: "sign [options] [image]",
    description:
      "sign a pushed filter with an ECDSA P-256 key, as cosign does, and store the signature beside it",
    load: async () => (await import("./sign.ts")).signCommand(),
  },
  {
    usage: "verify [options] <image>",
    description: "check that a filter was signed with a key",
    load: async () => (await import("./verify.ts")).verifyCommand(),
  },
  {
    usage: "install [options]",
    description:
      "bring custom resource definitions, roles, the controller and the collector into a cluster; may be repeated",
    load: async () => (await import("./install.ts")).installCommand(),
  },
  {
    usage: "uninstall [options]",
    description:
      "take the controller, the collector and their roles out of a cluster; gateways keep what they have, and the collector's volume stays",
    load: async () => (await import("./uninstall.ts")).uninstallCommand(),
  },
  {
    usage: "new",
    description: "make the folder of something new",
    load: async () => (await import("./new.ts")).newCommand(),
  },
  {
    usage: "test [options]",
    description: "run the tests of a converter's folder, *.test.mts, in Node",
    load: async () => (await import("./test.ts")).testCommand(),
  },
  {
    usage: "warmup [options]",
    description:
      "send a model server its warm-up requests; a startup probe, or with --serve the sidecar that answers its probes",
    load: async () => (await import("./warmup.ts")).warmupCommand(),
  },
  {
    usage: "drain [options]",
    description:
      "wait until a replica, or a gateway's Envoy, can end without losing a request; a preStop hook",
    load: async () => (await import("./drain.ts")).drainCommand(),
  },
  {
    usage: "loadtest [options] [task]",
    description:
      "find how many requests a second a task's model server holds at an objective, by open-loop load",
    load: async () => (await import("./loadtest.ts")).loadtestCommand(),
  },
  {
    usage: "explain",
    description: "say why Modelgate does what it does",
    load: async () => (await import("./explain.ts")).explainCommand(),
  },
  {
    usage: "completion <shell>",
    description: "print a script that completes commands and options: source <(modelgate completion bash)",
    load: async () => (await import("./completion.ts")).completionCommand(),
  },
];

export function nameOf({ usage }: CatalogEntry): string {
  return usage.split(" ")[0] as string;
}
