import { Command, Option } from "commander";
import { requireSecrets, secretsOfFiles } from "../../cluster/deploy/secrets.ts";
import { type ControllerAddress, parseControllerAddress } from "../../cluster/istio/rate-limit-config.ts";
import { renderAll, TARGETS, type Target } from "../../cluster/istio/render.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { toYaml } from "../../lib/kubernetes/yaml.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import {
  isWorkloadTarget,
  renderWorkload,
  WORKLOAD_TARGETS,
  type WorkloadTarget,
} from "../../serving/workload/render.ts";
import {
  type FileOptions,
  fileOption,
  namespaceOption,
  readResources,
  readUnchecked,
  recursiveOption,
} from "../options/resource-files.ts";

interface RenderCommandOptions extends FileOptions, ControllerOptions {
  image?: string;
  secrets?: string[];
  target: Target | WorkloadTarget;
  output: "yaml" | "json";
  commandImage: string;
  gatewayService?: string;
  prometheus: string;
}

export function renderCommand(): Command {
  return new Command("render")
    .description(
      "Print the Kubernetes and Istio objects that Tenants and ModelTasks become; needs no cluster",
    )
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .addOption(imageOption())
    .addOption(
      new Option(
        "--target <target>",
        "what to print: gateways and routes (istio, gateway-api), or what the model servers' own Deployments need (deployment-patch, hpa, keda)",
      )
        .choices([...TARGETS, ...WORKLOAD_TARGETS])
        .default("istio"),
    )
    .option(
      "--command-image <reference>",
      "for deployment-patch: image with the modelgate command",
      "modelgate",
    )
    .option(
      "--gateway-service <host:port>",
      "for deployment-patch: DNS name of all gateways, and the port of their Envoy admin interface",
    )
    .option(
      "--prometheus <url>",
      "for keda: URL of the Prometheus that scrapes the controller",
      "http://prometheus.monitoring:9090",
    )
    .addOption(controllerOption())
    .addOption(controllerTokenOption())
    .addOption(secretsOption())
    .addOption(new Option("-o, --output <format>", "output format").choices(["yaml", "json"]).default("yaml"))
    .action(async (options: RenderCommandOptions) => {
      if (isWorkloadTarget(options.target)) {
        const { tasks } = await readUnchecked(options);
        const manifests = renderWorkload(
          tasks.map(({ resource }) => resource),
          { ...options, target: options.target },
        );
        process.stdout.write(options.output === "json" ? json(manifests) : yaml(manifests));
        return;
      }
      const { tenants, tasks } = await readResources(options);
      const image = options.image === undefined ? undefined : parseReference(options.image);
      const secrets = requireSecrets(
        tenants,
        await secretsOfFiles(options.secrets ?? []),
        "name a file with it by --secrets, or use apply or diff, which read the cluster's",
      );
      const manifests = renderAll(
        tenants.map(({ resource }) => resource),
        tasks.map(({ resource }) => resource),
        { image: () => image, target: options.target, controller: controllerOf(options), secrets },
      );
      if (options.secrets) console.error("the output holds the keys of --secrets: keep it as you keep these");
      process.stdout.write(options.output === "json" ? json(manifests) : yaml(manifests));
    });
}

export function imageOption(): Option {
  return new Option(
    "--image <reference>",
    "filter of Tenants that do not name one: oci://host/name@sha256:...",
  );
}

export function secretsOption(): Option {
  return new Option("--secrets <path...>", "files with the Kubernetes Secrets that the Tenants name");
}

export function controllerOption(): Option {
  return new Option(
    "--controller <namespace/service:port>",
    "controller that shares limits among the gateways (default: none; each gateway applies the limits of the files)",
  ).argParser(parseControllerAddress);
}

export function controllerTokenOption(): Option {
  return new Option(
    "--controller-token-secret <name>",
    "Secret in each gateway's namespace with a ServiceAccount token (key `token`), sent to the controller (default: none)",
  );
}

export interface ControllerOptions {
  controller?: ControllerAddress;
  controllerTokenSecret?: string;
}

/** Where and how gateways report. @throws Error for a token without a controller */
export function controllerOf({
  controller,
  controllerTokenSecret,
}: ControllerOptions): ControllerAddress | undefined {
  if (controllerTokenSecret === undefined) return controller;
  if (controller === undefined) throw new Error("--controller-token-secret: needs --controller");
  return { ...controller, tokenSecret: controllerTokenSecret };
}

export function targetOption(): Option {
  return new Option("--target <target>", "kind of routes to make").choices(TARGETS).default("istio");
}

/** A List, as kubectl prints several objects. */
export function json(manifests: Manifest[]): string {
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }, null, 2)}\n`;
}

export function yaml(manifests: Manifest[]): string {
  return manifests.map(toYaml).join("---\n");
}
