import {
  ApiException,
  CoordinationV1Api,
  type KubeConfig,
  type V1Lease,
  V1MicroTime,
} from "@kubernetes/client-node";
import type { Logger } from "pino";
import { within } from "../../../lib/kubernetes/within.ts";
import type { Leadership } from "../leadership.ts";

/** The Lease says where its holder takes reports. */
const URL_ANNOTATION = "modelgate.dev/url";

/** Others may take the Lease when it wasn't renewed for so long. */
const LEASE_MS = 10_000;
/** The leader stops leading when it couldn't renew for so long; shorter than the Lease. */
const RENEW_MS = 6_000;

interface ElectionOptions {
  config: KubeConfig;
  namespace: string;
  /** Default: modelgate-controller. */
  name?: string;
  /** Unique for each process. */
  identity: string;
  /** Where this controller takes reports. */
  url: string;
  log: Logger;
  /** Between two tries. Default: 2,000. */
  retryMs?: number;
}

/**
 * Leader election by a Lease (coordination.k8s.io/v1), by the rules of client-go's leaderelection: a Lease is
 * taken when it has no holder or when it didn't change for its duration, by this process's own clock, so that
 * clocks need not agree; two who try at once are told apart by the resource version. `isLeader` asks the
 * clock itself, so a process that was stopped for long doesn't think that it leads.
 */
export class LeaseElection implements Leadership {
  private readonly options: Required<ElectionOptions>;
  private readonly api: CoordinationV1Api;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private wasLeader = false;
  private urlOfLeader: string | undefined;
  private seen: { record: string; at: number } = { record: "", at: 0 };
  private timer: NodeJS.Timeout | undefined;
  private trying: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: ElectionOptions) {
    this.options = {
      name: "modelgate-controller",
      retryMs: 2_000,
      ...options,
    };
    this.api = options.config.makeApiClient(CoordinationV1Api);
  }

  get isLeader(): boolean {
    return performance.now() - this.renewedAt < RENEW_MS;
  }

  get leaderUrl(): string | undefined {
    return this.isLeader ? undefined : this.urlOfLeader;
  }

  start(onElected: () => void): void {
    const round = async () => {
      await this.tryOnce(onElected);
      if (this.wasLeader && !this.isLeader) this.options.log.warn("no longer the leader");
      this.wasLeader = this.isLeader;
      if (!this.stopped) this.timer = setTimeout(next, this.options.retryMs).unref();
    };
    const next = () => {
      this.trying = round();
    };
    next();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.trying;
    if (!this.isLeader) return;
    this.renewedAt = Number.NEGATIVE_INFINITY;
    await this.giveUp().catch((error) =>
      this.options.log.warn({ err: error }, "the Lease can't be given up"),
    );
  }

  private async giveUp(): Promise<void> {
    const { name, namespace } = this.options;
    const lease = await this.read();
    if (lease?.spec?.holderIdentity !== this.options.identity) return;
    lease.spec.holderIdentity = "";
    await this.api.replaceNamespacedLease({ name, namespace, body: lease }, this.inTime());
  }

  private async tryOnce(onElected: () => void): Promise<void> {
    const begun = performance.now();
    try {
      const lease = await this.read();
      const acquired = await this.acquire(lease);
      if (acquired && !this.isLeader) {
        this.options.log.info({ identity: this.options.identity }, "elected as leader");
        onElected();
      }
      this.renewedAt = acquired ? begun : Number.NEGATIVE_INFINITY;
    } catch (error) {
      if (isStatus(error, 409)) this.renewedAt = Number.NEGATIVE_INFINITY;
      else this.options.log.warn({ err: error }, "the Lease can't be read or renewed");
    }
  }

  private async acquire(lease: V1Lease | undefined): Promise<boolean> {
    const { identity, namespace, name } = this.options;
    if (lease === undefined) {
      const body = this.held({ metadata: { name, namespace } }, 0);
      await this.api.createNamespacedLease({ namespace, body }, this.inTime());
      return true;
    }
    const holder = lease.spec?.holderIdentity;
    const transitions = lease.spec?.leaseTransitions ?? 0;
    if (holder !== identity && holder && !this.isExpired(lease)) {
      this.urlOfLeader = lease.metadata?.annotations?.[URL_ANNOTATION];
      return false;
    }
    const body = this.held(lease, holder === identity ? transitions : transitions + 1);
    await this.api.replaceNamespacedLease({ name, namespace, body }, this.inTime());
    return true;
  }

  /** A try that hangs ends while there is time for another. */
  private inTime() {
    return within(Math.ceil(RENEW_MS / 3));
  }

  /** Whether the Lease stayed as it is for its duration. */
  private isExpired({ metadata, spec }: V1Lease): boolean {
    const record = `${metadata?.uid} ${metadata?.resourceVersion}`;
    if (record !== this.seen.record) this.seen = { record, at: performance.now() };
    const duration = (spec?.leaseDurationSeconds ?? 0) * 1000 || LEASE_MS;
    return performance.now() - this.seen.at > duration;
  }

  private held(lease: V1Lease, leaseTransitions: number): V1Lease {
    const { identity, url } = this.options;
    const now = new V1MicroTime();
    const isNew = lease.spec?.holderIdentity !== identity;
    return {
      ...lease,
      metadata: { ...lease.metadata, annotations: { ...lease.metadata?.annotations, [URL_ANNOTATION]: url } },
      spec: {
        ...lease.spec,
        holderIdentity: identity,
        leaseDurationSeconds: LEASE_MS / 1000,
        acquireTime: isNew ? now : (lease.spec?.acquireTime ?? now),
        renewTime: now,
        leaseTransitions,
      },
    };
  }

  private async read(): Promise<V1Lease | undefined> {
    const { name, namespace } = this.options;
    return await this.api.readNamespacedLease({ name, namespace }, this.inTime()).catch((error: unknown) => {
      if (isStatus(error, 404)) return undefined;
      throw error;
    });
  }
}

function isStatus(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code;
}
