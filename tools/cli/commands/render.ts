import { Command, Option } from "commander";
import { requireSecrets, secretsOfFiles } from "../../cluster/deploy/secrets.ts";
import { renderAll, TARGETS, type Target } from "../../cluster/istio/render.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import {
  isWorkloadTarget,
  renderWorkload,
  WORKLOAD_TARGETS,
  type WorkloadTarget,
} from "../../serving/workload/render.ts";
import {
  type ControllerOptions,
  controllerOf,
  controllerOption,
  controllerTokenOption,
  imageOption,
  secretsOption,
} from "../options/render.ts";
import {
  allowEmptyOption,
  type FileOptions,
  fileOption,
  namespaceOption,
  readResources,
  readUnchecked,
  recursiveOption,
} from "../options/resource-files.ts";
import { MANIFEST_FORMATS, type ManifestFormat, printed } from "../output/manifests.ts";

interface RenderCommandOptions extends FileOptions, ControllerOptions {
  image?: string;
  secrets?: string[];
  target: Target | WorkloadTarget;
  output: ManifestFormat;
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
    .addOption(allowEmptyOption())
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
    .addOption(new Option("-o, --output <format>", "output format").choices(MANIFEST_FORMATS).default("yaml"))
    .action(async (options: RenderCommandOptions) => {
      if (isWorkloadTarget(options.target)) {
        const { tasks } = await readUnchecked(options);
        const manifests = renderWorkload(
          tasks.map(({ resource }) => resource),
          { ...options, target: options.target },
        );
        process.stdout.write(printed(manifests, options.output));
        return;
      }
      const { tenants, tasks } = await readResources(options);
      const image = options.image === undefined ? undefined : parseReference(options.image);
      const secrets = requireSecrets(
        tenants,
        tasks,
        await secretsOfFiles(options.secrets ?? []),
        "name a file with it by --secrets, or use apply or diff, which read the cluster's",
        controllerOf(options),
      );
      const manifests = renderAll(
        tenants.map(({ resource }) => resource),
        tasks.map(({ resource }) => resource),
        { image: () => image, target: options.target, controller: controllerOf(options), secrets },
      );
      process.stdout.write(printed(manifests, options.output));
    });
}
