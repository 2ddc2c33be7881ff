import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { readDevConfig } from "../dev/config.ts";
import { devConverter } from "../dev/converter.ts";
import { runDemo } from "../dev/demo.ts";
import { startLocalGateway } from "../dev/gateway.ts";
import { modulePath, PROJECT_ROOT } from "../wasm/modules.ts";
import { build } from "./build.ts";

const DEFAULT_CONFIG = fileURLToPath(new URL("manifests/examples/local.yaml", PROJECT_ROOT));

interface DevOptions {
  config: string;
  envoy?: string;
  port: number;
  concurrency: number;
  demo?: true;
  converter?: string;
}

export function devCommand(): Command {
  return new Command("dev")
    .description("run a local Envoy with the filters in front of a model server")
    .option("--config <file>", "tasks and plug-in configuration", DEFAULT_CONFIG)
    .option("--envoy <path>", "the Envoy to run (default: $ENVOY, PATH, else a pinned one is fetched)")
    .option("--port <port>", "port on 127.0.0.1; 0 takes a free one", wholeNumber, 0)
    .option("--concurrency <n>", "worker threads of Envoy", wholeNumber, 2)
    .option("--converter <folder>", "run a task's own converter instead, and swap it whenever a file changes")
    .option("--demo", "send the demo's requests, print what came back, and stop")
    .action(dev);
}

async function dev(options: DevOptions): Promise<void> {
  if (options.converter !== undefined) return devConverter({ ...options, folder: options.converter });
  const config = await readDevConfig(options.config);
  await access(modulePath("gateway")).catch(() => build("gateway"));
  const gateway = await startLocalGateway({ ...options, config });
  console.error(`Envoy serves http://127.0.0.1:${gateway.envoy.port}, access log ${gateway.accessLog}`);
  if (!options.demo) {
    console.error("Ctrl-C stops it");
    return;
  }
  const passed = await runDemo(gateway).finally(gateway.stop);
  if (!passed) process.exitCode = 1;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}
