import { Command } from "commander";
import { durationMilliseconds } from "../../api/fields.ts";
import { drainEnvoy } from "../../serving/drain/envoy-drain.ts";
import { drainReplica } from "../../serving/drain/replica-drain.ts";
import {
  gatewayOption,
  gatewayServiceOption,
  gatewaysOf,
  type ReplicaGateways,
  replicaHost,
} from "../options/replica.ts";
import { fileOption, namespaceOption, recursiveOption } from "../options/resource-files.ts";
import { type Address, address } from "../options/server.ts";
import { durationArgument, inlineOption, readTask, type TaskOptions } from "../options/task.ts";

interface Options extends TaskOptions, ReplicaGateways {
  address?: Address;
  sidecar?: string;
  envoy?: string;
  endpointTimeout?: string;
  requestTimeout?: string;
}

const DEFAULT_ENDPOINT_TIMEOUT = "15s";
const DEFAULT_REQUEST_TIMEOUT = "15s";

export function drainCommand(): Command {
  return new Command("drain")
    .description("Wait until a replica or a gateway can stop without losing requests; for preStop hooks")
    .option(
      "--sidecar <url>",
      "ask the sidecar of modelgate warmup --serve to drain, which also fails readiness",
    )
    .option(
      "--envoy <url>",
      "drain the gateway with this Envoy admin interface, such as http://127.0.0.1:15000",
    )
    .option(
      "--address <host:port>",
      "address of the replica, as gateways know it (default: $POD_IP and the task's port)",
      address,
    )
    .addOption(gatewayOption())
    .addOption(gatewayServiceOption())
    .option(
      "--endpoint-timeout <duration>",
      `longest wait for the gateways to drop the replica; the whole wait if they can't be asked (default: the task's, ${DEFAULT_ENDPOINT_TIMEOUT})`,
      durationArgument,
    )
    .option(
      "--request-timeout <duration>",
      `longest wait for requests in flight (default: the task's, ${DEFAULT_REQUEST_TIMEOUT})`,
      durationArgument,
    )
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .option("--task <name>", "name or task id of the ModelTask (default: the only one)")
    .addOption(inlineOption())
    .addHelpText(
      "after",
      "\nterminationGracePeriodSeconds must be longer than the sum of both waits; modelgate render sets it so.",
    )
    .action(drain);
}

async function drain(options: Options): Promise<void> {
  const log = (line: string) => console.error(line);
  if (options.sidecar !== undefined) return askSidecar(options.sidecar);
  const task = options.filename || options.inline ? await readTask(options) : undefined;
  const endpointTimeoutMs = durationMilliseconds(
    options.endpointTimeout ?? task?.spec.drain.endpointTimeout ?? DEFAULT_ENDPOINT_TIMEOUT,
  );
  const requestTimeoutMs = durationMilliseconds(
    options.requestTimeout ??
      task?.spec.drain.requestTimeout ??
      task?.spec.timeout ??
      DEFAULT_REQUEST_TIMEOUT,
  );
  if (options.envoy !== undefined) {
    await drainEnvoy({ admin: options.envoy, delayMs: endpointTimeoutMs, timeoutMs: requestTimeoutMs, log });
    return;
  }
  const port = options.address?.port ?? task?.spec.workload.port ?? task?.spec.service.port;
  const host = replicaHost(options.address?.host);
  if (port === undefined || host === undefined)
    throw new Error("say which replica with --address host:port (or $POD_IP and a ModelTask)");
  await drainReplica({
    address: host,
    port,
    gateways: gatewaysOf(options),
    endpointTimeoutMs,
    requestTimeoutMs,
    log,
  });
}

/** @throws Error when the sidecar does not answer well */
async function askSidecar(url: string): Promise<void> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error(`--sidecar ${url}: must be a URL such as http://127.0.0.1:8867`);
  const response = await fetch(new URL("/drain", url), { method: "POST" }).catch((error: Error) => {
    throw new Error(
      `--sidecar ${url}: ${error.cause instanceof Error ? error.cause.message : error.message}`,
    );
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`--sidecar ${url}: HTTP status ${response.status} ${body.trim()}`);
  process.stdout.write(body);
}
