import { type Logger, pino } from "pino";
import { budgetMetrics } from "../budgets/budget-metrics.ts";
import type { Budgets } from "../budgets/budgets.ts";
import { listen, type Tls } from "../http/listener.ts";
import { adminHandler } from "./admin-handler.ts";
import { type Authenticate, anyone } from "./authenticate.ts";
import type { FollowerAction } from "./follower.ts";
import { type Leadership, type Reconciler, soleLeader } from "./leadership.ts";
import { Limits } from "./limits.ts";
import { controllerMetrics } from "./metrics.ts";
import { reportHandler } from "./report-handler.ts";
import type { Source } from "./source.ts";

/** Some 40,000 tasks. */
const MAX_REPORT_BYTES = 4 * 1024 * 1024;

export interface ControllerOptions {
  source: Source;
  /** Where reports are taken; port 0 takes a free one. Default: 127.0.0.1, a free port. */
  listen?: { host: string; port: number };
  /** Where health and metrics are served, in the clear. Default: 127.0.0.1, a free port. */
  admin?: { host: string; port: number };
  tls?: Tls | undefined;
  /** Default: everybody. */
  authenticate?: Authenticate;
  /** Default: this is the only controller. */
  leadership?: Leadership;
  /** Reconciles the custom resources while this controller leads. Default: nobody does. */
  operator?: Reconciler | undefined;
  /** Default: budgets are not served. */
  budgets?: Budgets | undefined;
  /** Default: forward. */
  whenFollower?: FollowerAction;
  /**
   * Milliseconds without moves after a start, see Limits. Default: 1500, more than the time between two
   * reports.
   */
  hold?: number;
  /** Milliseconds of silence after which a pod is gone. Default: 5000. */
  silence?: number;
  /** Default: silent. */
  log?: Logger;
}

export interface Controller {
  /** Base URL for reports. */
  url: string;
  port: number;
  /** Base URL of health and metrics. */
  adminUrl: string;
  limits: Limits;
  budgets: Budgets | undefined;
  /** New certificates for new connections. */
  renewTls(tls: Tls): void;
  /** Answers what is under way, gives up the leadership, and resolves when all is closed. */
  stop(): Promise<void>;
}

/**
 * Starts a controller in this process and waits until it knows the resources.
 * @throws Error when an address is taken; what the source throws when it can't be read
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { source, leadership = soleLeader, operator, budgets } = options;
  let { tls } = options;
  const log = options.log ?? pino({ level: "silent" });
  const local = { host: "127.0.0.1", port: 0 };
  const limits = new Limits({ log, hold: options.hold ?? 1500, silence: options.silence ?? 5000 });
  const metrics = controllerMetrics(limits, leadership);
  if (budgets !== undefined) budgetMetrics(metrics.registry, budgets, () => leadership.isLeader);
  const reports = reportHandler({
    limits,
    budgets,
    leadership,
    metrics,
    log,
    tls: () => tls,
    authenticate: options.authenticate ?? anyone,
    whenFollower: options.whenFollower ?? "forward",
    maxBytes: MAX_REPORT_BYTES,
  });
  const adminAddress = options.admin ?? local;
  const address = options.listen ?? local;
  const admin = await listen(
    adminAddress,
    adminHandler(metrics, () => limits.isReady),
  );
  const listener = await listen(address, reports, tls).catch(async (error) => {
    await admin.close();
    throw error;
  });
  const stop = async () => {
    limits.stop();
    await operator?.stop();
    await leadership.stop();
    await listener.close();
    await source.stop();
    await budgets?.stop();
    await admin.close();
  };
  try {
    await source.start((inventory) => {
      limits.apply(inventory);
      budgets?.apply(inventory.tenants);
      if (budgets === undefined && inventory.tenants.some(({ spec }) => spec.budgets.length > 0))
        log.warn("budgets of Tenants are not kept: say where, with --budget-store");
    });
    await operator?.start(leadership, metrics.registry);
  } catch (error) {
    await stop();
    throw error;
  }
  const isLeader = () => leadership.isLeader;
  // Who leads from the start is never elected.
  budgets?.lead(isLeader);
  leadership.start(() => {
    limits.reset();
    budgets?.lead(isLeader);
    operator?.elected();
  });
  return {
    url: `${tls === undefined ? "http" : "https"}://${urlHost(address.host)}:${listener.port}`,
    port: listener.port,
    adminUrl: `http://${urlHost(adminAddress.host)}:${admin.port}`,
    limits,
    budgets,
    renewTls: (renewed) => {
      tls = renewed;
      listener.renew(renewed);
    },
    stop,
  };
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
