import { Command, InvalidArgumentError, Option } from "commander";
import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { drainReplica } from "../../serving/drain/replica-drain.ts";
import { startSidecar } from "../../serving/warmup/sidecar.ts";
import { planOf, servingPort, targetOf } from "../../serving/warmup/specification.ts";
import { WarmMark } from "../../serving/warmup/warm-mark.ts";
import { warmUp } from "../../serving/warmup/warm-up.ts";
import {
  gatewayOption,
  gatewayServiceOption,
  gatewaysOf,
  type ReplicaGateways,
  replicaHost,
} from "../options/replica.ts";
import { fileOption, namespaceOption, recursiveOption } from "../options/resource-files.ts";
import { type Address, address, untilStopped } from "../options/server.ts";
import { inlineOption, jsonArgument, readTask, type TaskOptions, taskOfFlags } from "../options/task.ts";
import { wholeNumber } from "../options/units.ts";

interface Options extends TaskOptions, ReplicaGateways {
  address?: Address;
  advertise?: string;
  request?: object;
  requests?: number;
  concurrency?: number;
  timeout?: string;
  consecutive?: number;
  latency?: string;
  protocol?: string;
  proto?: string[];
  protoPath?: string[];
  serve?: Address;
  state?: string;
}

export function warmupCommand(): Command {
  return new Command("warmup")
    .description(
      "Warm a model server up before it gets traffic: as a startup probe, or as a sidecar with --serve",
    )
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .option("--task <name>", "name or task id of the ModelTask (default: the only one)")
    .addOption(inlineOption())
    .option(
      "--address <host:port>",
      "address of the model server (default: 127.0.0.1 and the task's port)",
      address,
    )
    .option(
      "--request <json>",
      "the request, as in spec.warmUp.request; no ModelTask is needed then",
      jsonArgument,
    )
    .option("--requests <number>", "answers needed (default: the task's)", wholeNumber)
    .option("--concurrency <number>", "concurrent requests (default: the task's, 1)", wholeNumber)
    .option("--timeout <duration>", "timeout of the whole warm-up (default: the task's, 60s)")
    .option(
      "--consecutive <number>",
      "with --latency: number of answers in a row (default: the task's, 5)",
      wholeNumber,
    )
    .option("--latency <duration>", "longest time of each of these answers (default: the task's)")
    .addOption(
      new Option("--protocol <protocol>", "protocol of generated requests (default: the task's)").choices([
        "openInference",
        "tensorflowServing",
        "openai",
        "none",
      ]),
    )
    .option("--proto <file...>", "proto files of other gRPC methods (default: the server's reflection)")
    .option("--proto-path <folder...>", "folders of the proto files' imports")
    .option("--serve <host:port>", "serve /startupz, /readyz and /drain until SIGTERM", address)
    .option(
      "--advertise <address>",
      "with --serve: address of the replica, as gateways know it (default: $POD_IP)",
    )
    .addOption(gatewayOption())
    .addOption(gatewayServiceOption())
    .option(
      "--state <file>",
      "file that remembers a warm process (default: one per port in the temporary folder)",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 warm, 1 not warm. A server process is warmed once: the next run exits with 0 at once.",
    )
    .action(warmup);
}

async function warmup(options: Options): Promise<void> {
  const task = await taskOf(options);
  const server = options.address ?? { host: "127.0.0.1", port: servingPort(task) };
  const target = targetOf(task, `http://${server.host}:${server.port}`, {
    protos: options.proto,
    protoPaths: options.protoPath,
  });
  if (options.serve) return serve(task, server, target, options.serve, options);
  const mark = new WarmMark(server.host, server.port, options.state);
  if (await mark.isSet()) return console.error("warm already");
  const { warm, reason, answered, milliseconds, firstLatencyMs, lastLatencyMs } = await warmUp(
    planOf(task),
    target,
  );
  if (!warm) throw new Error(reason);
  await mark.set();
  console.error(
    `warm after ${answered} requests, ${(milliseconds / 1000).toFixed(1)} s; first answer ${firstLatencyMs.toFixed(1)} ms, last ${lastLatencyMs.toFixed(1)} ms`,
  );
}

async function serve(
  task: ModelTask,
  server: Address,
  target: ReturnType<typeof targetOf>,
  listen: Address,
  options: Options,
): Promise<void> {
  const { endpointTimeout, requestTimeout = task.spec.timeout } = task.spec.drain;
  const replica = replicaHost(options.advertise);
  if (replica === undefined && (options.gateway.length > 0 || options.gatewayService))
    throw new Error(
      "say the replica's address, as gateways know it, with --advertise (or $POD_IP): they would be asked for another",
    );
  const log = (line: string) => console.error(line);
  const stopped = untilStopped();
  const sidecar = await startSidecar({
    ...{ listen, server, target, log, plan: planOf(task) },
    drain: () =>
      drainReplica({
        address: replica ?? server.host,
        port: server.port,
        gateways: gatewaysOf(options),
        endpointTimeoutMs: durationMilliseconds(endpointTimeout),
        requestTimeoutMs: durationMilliseconds(requestTimeout),
        log,
      }),
  });
  log(`serving /startupz, /readyz and /drain on port ${sidecar.port}`);
  await stopped;
  await sidecar.stop();
}

/** The ModelTask with what the flags say instead. */
async function taskOf(options: Options): Promise<ModelTask> {
  const task =
    options.request !== undefined && !options.filename && options.inline === undefined
      ? taskOfFlags({ warmUp: { request: options.request, requests: options.requests ?? 1 } })
      : await readTask(options);
  const { warmUp } = task.spec;
  const { requests, concurrency, timeout, consecutive, latency, protocol, request } = options;
  if (consecutive !== undefined && latency === undefined && !warmUp.success)
    throw new InvalidArgumentError("--consecutive: needs --latency");
  const success =
    latency !== undefined || consecutive !== undefined
      ? { ...warmUp.success, ...defined({ consecutive, latency }) }
      : warmUp.success;
  return taskOfFlags({
    ...withProtocol(task.spec, protocol),
    warmUp: { ...warmUp, ...defined({ requests, concurrency, timeout, request, success }) },
  });
}

/** What a task says of itself, with another protocol of its model server. */
function withProtocol(spec: ModelTask["spec"], protocol: string | undefined): object {
  if (protocol === undefined) return spec;
  if (protocol === "openai") return { ...spec, protocol };
  const { protocol: _, openai: __, ...rest } = spec;
  return { ...rest, conversion: { ...spec.conversion, protocol } };
}

function defined(object: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
