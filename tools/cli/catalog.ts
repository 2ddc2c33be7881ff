import type { Command } from "commander";

/** A command, and what the list of commands says of it. */
export interface CatalogEntry {
  /** Its name, and what it takes. */
  usage: string;
  description: string;
  /** Its code, with all that it needs. */
  load: () => Promise<Command>;
}

/**
 * The commands in the order of the help. What the help says stands here, so that it needs the code of none.
 */
export const CATALOG: CatalogEntry[] = [
  {
    usage: "build [options] [module...]",
    description: "Compile the filters to WebAssembly, into build/",
    load: async () => (await import("./commands/build.ts")).buildCommand(),
  },
  {
    usage: "controller [options]",
    description:
      "Run the controller: share limits among gateways, and keep the cluster as its Tenants and ModelTasks describe it",
    load: async () => (await import("./commands/controller.ts")).controllerCommand(),
  },
  {
    usage: "collector [options] [file...]",
    description: "Run the collector: store access logs, compute traffic metrics, serve the traffic page",
    load: async () => (await import("./commands/collector.ts")).collectorCommand(),
  },
  {
    usage: "indexer [options]",
    description:
      "Run the indexer: write the stream job's results from Kafka into Elasticsearch or OpenSearch",
    load: async () => (await import("./commands/indexer.ts")).indexerCommand(),
  },
  {
    usage: "top [options] [file...]",
    description: "Show the current traffic of each task, live in the terminal",
    load: async () => (await import("./commands/top.ts")).topCommand(),
  },
  {
    usage: "logs [options] [file...]",
    description: "Print access log lines that the collector has stored, newest last",
    load: async () => (await import("./commands/logs.ts")).logsCommand(),
  },
  {
    usage: "metrics [options] [file...]",
    description:
      "Print traffic metrics: requests, errors, refusals, latency, bytes, requests in flight; tokens, times and cost of language models",
    load: async () => (await import("./commands/metrics.ts")).metricsCommand(),
  },
  {
    usage: "dev [options]",
    description: "Run the filters in a local Envoy, in front of a model server",
    load: async () => (await import("./commands/dev.ts")).devCommand(),
  },
  {
    usage: "pack [options] [module]",
    description: "Pack a built filter as an OCI image layout and print its digest",
    load: async () => (await import("./commands/pack.ts")).packCommand(),
  },
  {
    usage: "push [options] <reference>",
    description: "Push a built filter to an OCI registry and print its reference by digest",
    load: async () => (await import("./commands/push.ts")).pushCommand(),
  },
  {
    usage: "render [options]",
    description:
      "Print the Kubernetes and Istio objects that Tenants and ModelTasks become; needs no cluster",
    load: async () => (await import("./commands/render.ts")).renderCommand(),
  },
  {
    usage: "validate [options]",
    description: "Check files of Tenants and ModelTasks; needs no cluster",
    load: async () => (await import("./commands/validate.ts")).validateCommand(),
  },
  {
    usage: "diff [options]",
    description:
      "Show what apply would change, by a dry run on the server. Exit codes: 0 no change, 1 changes, 2 error",
    load: async () => (await import("./commands/diff.ts")).diffCommand(),
  },
  {
    usage: "apply [options]",
    description: "Apply Tenants and ModelTasks to a cluster",
    load: async () => (await import("./commands/apply.ts")).applyCommand(),
  },
  {
    usage: "get [options] <kind> [name]",
    description: "List the Tenants or ModelTasks of a cluster",
    load: async () => (await import("./commands/get.ts")).getCommand(),
  },
  {
    usage: "status [options] [tenant...]",
    description:
      "Check that each gateway pod runs the filter that it should. Exit codes: 0 yes, 1 no, 2 error",
    load: async () => (await import("./commands/status.ts")).statusCommand(),
  },
  {
    usage: "delete [options] <kind> <name...>",
    description: "Delete Tenants or ModelTasks and all objects that were made for them",
    load: async () => (await import("./commands/delete.ts")).deleteCommand(),
  },
  {
    usage: "credentials",
    description: "Create, list, rotate, revoke and check the credentials of a Tenant",
    load: async () => (await import("./commands/credentials.ts")).credentialsCommand(),
  },
  {
    usage: "budgets",
    description: "List, show, top up and reset the budgets of Tenants",
    load: async () => (await import("./commands/budgets.ts")).budgetsCommand(),
  },
  {
    usage: "task",
    description: "Work on tasks",
    load: async () => (await import("./commands/task.ts")).taskCommand(),
  },
  {
    usage: "rollout",
    description: "Roll a new filter out to a gateway step by step, and roll it back if it is worse",
    load: async () => (await import("./commands/rollout.ts")).rolloutCommand(),
  },
  {
    usage: "sign [options] [image]",
    description: "Sign a pushed filter as cosign does (ECDSA P-256), and push the signature",
    load: async () => (await import("./commands/sign.ts")).signCommand(),
  },
  {
    usage: "verify [options] <image>",
    description: "Verify the signature of a filter",
    load: async () => (await import("./commands/verify.ts")).verifyCommand(),
  },
  {
    usage: "install [options]",
    description: "Install the custom resource definitions, roles, controller and collector in a cluster",
    load: async () => (await import("./commands/install.ts")).installCommand(),
  },
  {
    usage: "doctor [options]",
    description: "Check that a cluster has what Modelgate needs. Exit codes: 0 yes, 1 no, 2 error",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  },
  {
    usage: "uninstall [options]",
    description:
      "Remove the controller, collector and roles from a cluster. Gateways and the collector's volume stay",
    load: async () => (await import("./commands/uninstall.ts")).uninstallCommand(),
  },
  {
    usage: "new",
    description: "Create a project folder",
    load: async () => (await import("./commands/new.ts")).newCommand(),
  },
  {
    usage: "test [options]",
    description: "Run the tests of a converter, or of a filter of your own (*.test.mts), in Node",
    load: async () => (await import("./commands/test.ts")).testCommand(),
  },
  {
    usage: "warmup [options]",
    description:
      "Warm a model server up before it gets traffic: as a startup probe, or as a sidecar with --serve",
    load: async () => (await import("./commands/warmup.ts")).warmupCommand(),
  },
  {
    usage: "drain [options]",
    description: "Wait until a replica or a gateway can stop without losing requests; for preStop hooks",
    load: async () => (await import("./commands/drain.ts")).drainCommand(),
  },
  {
    usage: "loadtest [options] [task]",
    description: "Find how many requests per second a model server handles within an objective",
    load: async () => (await import("./commands/loadtest.ts")).loadtestCommand(),
  },
  {
    usage: "explain",
    description: "Explain a decision of Modelgate",
    load: async () => (await import("./commands/explain.ts")).explainCommand(),
  },
  {
    usage: "completion <shell>",
    description: "Print a shell completion script",
    load: async () => (await import("./commands/completion.ts")).completionCommand(),
  },
];

export function nameOf({ usage }: CatalogEntry): string {
  return usage.split(" ")[0] as string;
}
