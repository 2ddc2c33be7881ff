import { CAS_MISMATCH, OK } from "./status.ts";

/** What the VMs of one Envoy process share, and the clock they see. */
export class HostProcess {
  /** Variables of the environment that VMs get to see. */
  readonly environment = new Map<string, string>();
  readonly sharedData = new Map<string, { value: Uint8Array; cas: number }>();
  /** Nanoseconds of the monotonic clock; tests move it. */
  now = 1_000_000_000_000n;
  /** Nanoseconds since 1970. */
  wall = BigInt(Date.now()) * 1_000_000n;
  /** Of the process itself, by path with NUL between its parts: `xds\0node\0id`. */
  readonly properties = new Map<string, string>();
  /** Shared queues by name; the host's number of one is its place here. */
  readonly queues = new Map<string, Uint8Array[]>();
  /** Counters by name. */
  readonly counters = new Map<string, number>();
  readonly metricNames: string[] = [];
  private lastCas = 0;

  setShared(key: string, value: Uint8Array, cas: number): number {
    const held = this.sharedData.get(key);
    if (held && cas !== 0 && held.cas !== cas) return CAS_MISMATCH;
    this.sharedData.set(key, { value, cas: ++this.lastCas });
    return OK;
  }
}
