import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { pino } from "pino";
import { secretsOfFiles } from "../../cluster/deploy/secrets.ts";
import { checkFilter } from "../../cluster/istio/native-check.ts";
import { wasmFilter } from "../../lib/envoy/bootstrap.ts";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { escapeControls } from "../../lib/terminal/escape.ts";
import { buildModules } from "../../lib/wasm/build.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import { readDevConfig } from "../../local/dev/config.ts";
import { runDemo } from "../../local/dev/demo.ts";
import { type LocalGateway, startLocalGateway } from "../../local/dev/gateway.ts";
import { runLanguageDemo } from "../../local/dev/language-demo.ts";
import { startLanguageGateway } from "../../local/dev/language-gateway.ts";
import { devOwnModule } from "../../local/dev/own-module.ts";
import { type ServerAddresses, startResourceGateway } from "../../local/dev/resource-gateway.ts";
import { secretsOption } from "../options/render.ts";
import { wholeNumber } from "../options/units.ts";

const DEFAULT_CONFIG = fileURLToPath(new URL("manifests/examples/local.yaml", PROJECT_ROOT));
const LANGUAGE_MODEL = fileURLToPath(new URL("manifests/examples/language-model", PROJECT_ROOT));

interface DevOptions {
  config: string;
  filename?: string[];
  secrets?: string[];
  server: ServerAddresses;
  envoy?: string;
  port: number;
  concurrency: number;
  traces?: URL;
  demo?: true;
  llm?: true;
  converter?: string;
  filter?: string;
}

export function devCommand(): Command {
  return new Command("dev")
    .description("Run the filters in a local Envoy, in front of a model server")
    .option("--config <file>", "tasks and plug-in configuration", DEFAULT_CONFIG)
    .option(
      "-f, --filename <path...>",
      "a Tenant and its ModelTasks, instead of --config; also starts a controller",
    )
    .addOption(secretsOption())
    .option(
      "--server <taskid=host:port...>",
      "with -f: the gRPC model server of a task (default: the demo's)",
      serverAddress,
      new Map(),
    )
    .option("--envoy <path>", "path of Envoy (default: $ENVOY, then PATH, else a pinned one is downloaded)")
    .option("--port <port>", "port on 127.0.0.1; 0 for a free one", wholeNumber, 0)
    .option("--concurrency <n>", "number of Envoy's worker threads", wholeNumber, 2)
    .option(
      "--traces <url>",
      "send a span of each request to this OTLP/HTTP receiver: http://host:4318",
      receiver,
    )
    .option("--converter <folder>", "run this converter instead, and reload it when a file changes")
    .addOption(
      new Option(
        "--filter <folder>",
        "run this filter instead, with its config.json, and reload it when a file changes",
      ).conflicts("converter"),
    )
    .option(
      "--llm",
      "serve tasks with protocol: openai by a small language model of random weights (default -f: an example)",
    )
    .option("--demo", "send the demo's requests, print the answers, and stop")
    .action(dev);
}

async function dev(options: DevOptions): Promise<void> {
  const { converter, filter } = options;
  if (converter !== undefined)
    return devOwnModule({ ...options, own: { kind: "converter", folder: converter } });
  if (filter !== undefined) return devOwnModule({ ...options, own: { kind: "filter", folder: filter } });
  await access(modulePath("gateway")).catch(() => buildModules(["gateway"]));
  const gateway = await started(options);
  console.error(`Envoy serves http://127.0.0.1:${gateway.envoy.port}, access log ${gateway.accessLog}`);
  if (!options.demo) {
    console.error("Ctrl-C stops it");
    return;
  }
  const demo = options.llm ? runLanguageDemo : runDemo;
  const passed = await demo(gateway).finally(gateway.stop);
  if (!passed) process.exitCode = 1;
}

function started(options: DevOptions): Promise<LocalGateway> {
  const paths = options.filename ?? (options.llm ? [LANGUAGE_MODEL] : undefined);
  return paths ? fromResources(options, paths) : fromConfig(options);
}

async function fromConfig(options: DevOptions): Promise<LocalGateway> {
  const { tasks, pluginConfig } = await readDevConfig(options.config);
  const filter = wasmFilter("gateway", modulePath("gateway"), pluginConfig);
  return startLocalGateway({ ...options, tasks, filters: [filter, checkFilter()] });
}

async function fromResources(options: DevOptions, paths: string[]): Promise<LocalGateway> {
  const start = options.llm ? startLanguageGateway : startResourceGateway;
  const gateway = await start({
    ...options,
    paths,
    servers: options.server,
    secrets: await secretsOfFiles(options.secrets ?? []),
    log: pino({ base: null, hooks: { streamWrite: escapeControls } }, pino.destination(2)),
  });
  console.error("limits come from a controller beside it; changes of the files apply at once");
  return gateway;
}

function receiver(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "http:" || url.pathname !== "/")
    throw new InvalidArgumentError("must look like http://127.0.0.1:4318");
  return url;
}

function serverAddress(text: string, before: ServerAddresses): ServerAddresses {
  const [, taskid, host, port] = /^([^=]+)=(.+):(\d+)$/.exec(text) ?? [];
  if (taskid === undefined || host === undefined)
    throw new InvalidArgumentError("must look like 666=127.0.0.1:9000");
  return new Map(before).set(taskid, { host, port: Number(port) });
}
