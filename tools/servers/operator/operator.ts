import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { ResourceChecks } from "../../cluster/stored/custom-resources.ts";
import type { Leadership, Reconciler } from "../controller/leadership.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { type ReconcileOptions, reconcile } from "./reconcile.ts";
import { WorkQueue } from "./work-queue.ts";

interface OperatorOptions extends Omit<ReconcileOptions, "cache"> {
  log: Logger;
  checks: ResourceChecks;
  /** Default: 1,000. */
  firstRetryMs?: number;
  /** Default: 5 minutes. */
  lastRetryMs?: number;
}

/** Tenants that are reconciled at a time. */
const CONCURRENCY = 4;
const GATHER_MS = 100;
/** Secrets are not watched, so that no right to list them is needed. */
const RESYNC_MS = 600_000;

/**
 * Keeps the cluster as its Tenants and ModelTasks say, one tenant at a time; see `reconcile`. Every
 * controller watches, only the leader acts.
 */
export class Operator implements Reconciler {
  private readonly options: OperatorOptions;
  private readonly cache: ClusterCache;
  private readonly queue: WorkQueue;
  /** Tenants whose resources are at fault: others may have caused it, and their change may mend it. */
  private readonly atFault = new Set<string>();
  private readonly results = { done: 0, failed: 0 };
  private leadership: Leadership | undefined;
  private resync: NodeJS.Timeout | undefined;

  constructor(options: OperatorOptions) {
    this.options = options;
    const { client, log, checks } = options;
    this.queue = new WorkQueue({
      concurrency: CONCURRENCY,
      gatherMs: GATHER_MS,
      firstRetryMs: options.firstRetryMs ?? 1000,
      lastRetryMs: options.lastRetryMs ?? 300_000,
      work: (tenant) => this.work(tenant),
      onFailure: (tenant, err, retryMs) => {
        this.results.failed++;
        log.warn({ tenant, err, retryMs }, "the tenant could not be brought up to date");
      },
    });
    this.cache = new ClusterCache({
      ...{ client, log, checks },
      onResource: (tenant) => {
        for (const each of [tenant, ...this.atFault]) this.queue.add(each);
      },
      onOwned: (tenant) => this.queue.add(tenant),
      onListed: () => this.addAll(),
    });
  }

  async start(leadership: Leadership, registry: Registry): Promise<void> {
    this.measure(registry);
    await this.cache.start();
    // Before that a tenant might seem to have lost what was not listed yet.
    this.leadership = leadership;
    this.addAll();
    this.resync = setInterval(() => this.addAll(), RESYNC_MS).unref();
  }

  elected(): void {
    this.addAll();
  }

  async stop(): Promise<void> {
    clearInterval(this.resync);
    await this.queue.stop();
    await this.cache.stop();
  }

  private addAll(): void {
    const { tenants, tasks } = this.cache.resources();
    for (const tenant of new Set([...tenants.keys(), ...tasks.keys()])) this.queue.add(tenant);
  }

  private async work(tenant: string): Promise<void> {
    if (!this.leadership?.isLeader) return;
    const { tenants, tasks } = this.cache.resources();
    const own = [tenants.get(tenant), ...(tasks.get(tenant) ?? [])];
    if (own.some((each) => each && each.faults.length > 0)) this.atFault.add(tenant);
    else this.atFault.delete(tenant);
    await reconcile(tenant, { ...this.options, cache: this.cache });
    this.results.done++;
  }

  private measure(registry: Registry): void {
    const { queue, results } = this;
    const registers = [registry];
    new Gauge({
      name: "modelgate_controller_reconcile_queue",
      help: "Tenants that wait for reconciliation.",
      registers,
      collect() {
        this.set(queue.depth);
      },
    });
    new Counter({
      name: "modelgate_controller_reconciles_total",
      help: "Reconciliations of Tenants, by result.",
      labelNames: ["result"],
      registers,
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(results)) this.inc({ result }, count);
      },
    });
  }
}
