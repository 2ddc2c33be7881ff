import { Command, Option } from "commander";
import type { Logger } from "pino";
import type { Target } from "../../cluster/istio/render.ts";
import { ResourceChecks } from "../../cluster/stored/custom-resources.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { type Authenticate, anyone, clientCertificate } from "../../servers/controller/authenticate.ts";
import {
  type Controller,
  type ControllerOptions,
  startController,
} from "../../servers/controller/controller.ts";
import { FileSource } from "../../servers/controller/file-source.ts";
import type { FollowerAction } from "../../servers/controller/follower.ts";
import type { Tls } from "../../servers/http/listener.ts";
import { readTls, sameTls, type TlsPaths } from "../../servers/http/tls-files.ts";
import type { Operator } from "../../servers/operator/operator.ts";
import { budgetStoreOption } from "../options/budget-store.ts";
import { controllerBudgets, followPrices } from "../options/controller-budgets.ts";
import {
  controllerOf,
  controllerOption,
  controllerTokenOption,
  imageOption,
  type ControllerOptions as RenderedController,
  targetOption,
} from "../options/render.ts";
import {
  type Address,
  address,
  isLoopback,
  logLevelOption,
  serverLog,
  unlessStopped,
  untilStopped,
} from "../options/server.ts";

const PORT = 8090;
const ADMIN_PORT = 8091;
const TLS_CHECK_MS = 30_000;

interface Options extends ConnectOptions, RenderedController {
  config?: string[];
  listen?: Address;
  admin?: Address;
  tlsCert?: string;
  tlsKey?: string;
  clientCa?: string;
  authenticate?: "token" | "mtls" | "none";
  tokenAudience: string[];
  whenFollower?: FollowerAction;
  leaseNamespace?: string;
  advertiseUrl?: string;
  reconcile: boolean;
  image?: string;
  target: Target;
  budgetStore?: string;
  prices?: string;
  logLevel: string;
}

export function controllerCommand(): Command {
  const command = new Command("controller")
    .description(
      "Run the controller: share limits among gateways, and keep the cluster as its Tenants and ModelTasks describe it",
    )
    .option(
      "--config <path...>",
      "read Tenants and ModelTasks from these files or folders instead of Kubernetes, and follow changes",
    )
    .option(
      "--listen <host:port>",
      "address for the gateways' reports (default: :8090; with --config 127.0.0.1:8090)",
      address,
    )
    .option(
      "--admin <host:port>",
      "address for /healthz, /readyz and /metrics (default: the same host, port 8091)",
      address,
    )
    .option("--tls-cert <file>", "certificate chain (PEM); reloaded when the file changes")
    .option("--tls-key <file>", "private key (PEM)")
    .option("--client-ca <file>", "CA of the gateways' client certificates (PEM)")
    .addOption(
      new Option(
        "--authenticate <how>",
        "how gateways authenticate (default: token, a ServiceAccount token; with --config on loopback none)",
      ).choices(["token", "mtls", "none"]),
    )
    .option(
      "--token-audience <audience...>",
      "accepted audiences of the tokens (default: the API server's)",
      [],
    )
    .addOption(
      new Option(
        "--when-follower <action>",
        "what to do with reports while another controller is the leader (default: forward; with --client-ca redirect)",
      ).choices(["forward", "redirect"]),
    )
    .option(
      "--lease-namespace <name>",
      "namespace of the Lease (default: $POD_NAMESPACE or modelgate-system)",
    )
    .option(
      "--advertise-url <url>",
      "URL at which other controllers reach this one (default: $POD_IP and the port)",
    )
    .addOption(budgetStoreOption())
    .option(
      "--prices <file>",
      "price table (kind: Prices), for budgets of money; reloaded when the file changes",
    )
    .option("--no-reconcile", "write nothing to the cluster; modelgate apply does that instead")
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(controllerOption())
    .addOption(controllerTokenOption())
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      "\nLogs are JSON lines on stderr. On SIGTERM and SIGINT the controller sends pending answers, then exits.",
    )
    .action(controller);
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

async function controller(options: Options): Promise<void> {
  const log = serverLog(options.logLevel);
  const stopped = untilStopped();
  const tlsPaths = tlsOf(options);
  const tls = tlsPaths && (await readTls(tlsPaths));
  const running = await unlessStopped(
    parts(options, tls, log).then((made) => startController({ ...made, tls, log })),
    stopped,
    log,
  );
  log.info({ url: running.url, admin: running.adminUrl }, "the controller takes reports");
  const stopPrices = followPrices(running.budgets, options.prices, log);
  const renewal = tlsPaths && tls && renewTls(running, tlsPaths, tls, log);
  await stopped;
  log.info("stopping");
  clearInterval(renewal);
  stopPrices();
  await running.stop();
}

async function parts(options: Options, tls: Tls | undefined, log: Logger): Promise<ControllerOptions> {
  const host = options.config === undefined ? "0.0.0.0" : "127.0.0.1";
  const listen = options.listen ?? { host, port: PORT };
  const admin = options.admin ?? { host, port: ADMIN_PORT };
  const { authenticate = defaultAuthentication(options, listen) } = options;
  const whenFollower = options.whenFollower ?? (tls?.clientCa === undefined ? "forward" : "redirect");
  if (authenticate === "mtls" && tls?.clientCa === undefined)
    throw new Error("--authenticate mtls: needs --tls-cert, --tls-key and --client-ca");
  if (authenticate === "none" && !isLoopback(listen.host))
    log.warn("everybody who reaches the listener can report (--authenticate none)");
  const proofs: Record<string, Authenticate> = { none: anyone, mtls: clientCertificate };
  const common = { listen, admin, whenFollower };
  if (options.config !== undefined) {
    const proof = proofs[authenticate];
    if (proof === undefined)
      throw new Error("--authenticate token: needs Kubernetes, which --config replaces");
    const budgets = await controllerBudgets(options, undefined, log);
    return { ...common, source: new FileSource(options.config, log), authenticate: proof, budgets };
  }
  if (authenticate === "token" && tls === undefined)
    log.warn("tokens come in the clear: give --tls-cert and --tls-key");
  const checks = new ResourceChecks();
  const budgets = await controllerBudgets(options, await connect(options), log);
  // With the library for Kubernetes, which files and help do not need.
  const { clusterParts } = await import("../../servers/controller/kubernetes/parts.ts");
  const { tokenReview, ...cluster } = await clusterParts({
    ...options,
    ...{ log, checks },
    tokenAudiences: options.tokenAudience,
    advertiseUrl: options.advertiseUrl ?? advertisedUrl(listen, tls),
  });
  const operator = options.reconcile ? await operatorOf(options, log, checks) : undefined;
  return { ...common, ...cluster, budgets, operator, authenticate: proofs[authenticate] ?? tokenReview };
}

async function operatorOf(options: Options, log: Logger, checks: ResourceChecks): Promise<Operator> {
  const { image, target } = options;
  const { Operator } = await import("../../servers/operator/operator.ts");
  return new Operator({
    ...{ log, checks, target, controller: controllerOf(options) },
    client: await connect(options),
    image: image === undefined ? undefined : parseReference(image),
  });
}

function defaultAuthentication({ config }: Options, listen: Address): "token" | "none" {
  if (config === undefined) return "token";
  if (!isLoopback(listen.host))
    throw new Error("--authenticate: say how, as others than this machine reach the listener");
  return "none";
}

function advertisedUrl({ host, port }: Address, tls: Tls | undefined): string {
  const reachable = process.env.POD_IP ?? host;
  return `${tls === undefined ? "http" : "https"}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function tlsOf({ tlsCert, tlsKey, clientCa }: Options): TlsPaths | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey, clientCa };
  if (tlsCert !== undefined || tlsKey !== undefined) throw new Error("--tls-cert and --tls-key: give both");
  if (clientCa !== undefined) throw new Error("--client-ca: needs --tls-cert and --tls-key");
  return undefined;
}

/** Takes certificates that were renewed on disk. */
function renewTls(running: Controller, paths: TlsPaths, first: Tls, log: Logger): NodeJS.Timeout {
  let current = first;
  return setInterval(async () => {
    try {
      const tls = await readTls(paths);
      if (sameTls(tls, current)) return;
      running.renewTls(tls);
      current = tls;
      log.info("certificates renewed");
    } catch (error) {
      log.error({ err: error }, "the renewed certificates can't be used; those of before stay");
    }
  }, TLS_CHECK_MS);
}
