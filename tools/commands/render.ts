import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { parse, stringify } from "yaml";
import { wasmPlugin } from "../istio/wasm-plugin.ts";
import { parseReference } from "../oci/reference.ts";
import { MODULES } from "../wasm/modules.ts";

interface RenderOptions {
  image: string;
  config: string;
  gateway: string;
  namespace: string;
  module: string;
  output: "yaml" | "json";
}

export function renderCommand(): Command {
  return new Command("render")
    .description("print the Istio WasmPlugin that runs a filter in a gateway")
    .requiredOption("--image <reference>", "the pushed image, by digest: oci://host/name@sha256:...")
    .requiredOption("--config <file>", "YAML or JSON with the field pluginConfig, as for `modelgate dev`")
    .option("--gateway <name>", "label `istio` of the gateway's pods", "ingressgateway")
    .option("-n, --namespace <namespace>", "namespace of the gateway", "istio-system")
    .addOption(new Option("--module <module>", "the filter").choices(MODULES).default("gateway"))
    .addOption(new Option("-o, --output <format>", "format").choices(["yaml", "json"]).default("yaml"))
    .action(async ({ image, config, gateway, namespace, module, output }: RenderOptions) => {
      const document = parse(await readFile(config, "utf8")) as { pluginConfig?: object } | null;
      if (!document?.pluginConfig) throw new Error(`${config}: pluginConfig: is required`);
      const plugin = wasmPlugin({
        name: `modelgate-${module}`,
        namespace,
        gateway,
        image: parseReference(image),
        pluginConfig: document.pluginConfig,
      });
      process.stdout.write(output === "json" ? `${JSON.stringify(plugin, null, 2)}\n` : stringify(plugin));
    });
}
