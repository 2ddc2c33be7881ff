import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { ACCEPT, AUTHORITY, METHOD, PATH } from "../../sdk/bytes/header-names";
import { parseJson } from "../../sdk/bytes/json";
import { CalloutHandler, callout, forgetCallout } from "../../sdk/host/callout";
import { monotonicNanos } from "../../sdk/host/clock";
import { requestCollection } from "../../sdk/host/collection";
import { HeaderPairs } from "../../sdk/host/headers";
import { HttpStatus } from "../../sdk/host/http-status";
import { LogLevel, log } from "../../sdk/host/log";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";
import { Jwk } from "./jwk";
import { parseJwks } from "./key-set";

const SECOND: u64 = 1_000_000_000;
const TIMEOUT_MS: u32 = 5000;
/** How long one VM's attempt keeps the others from trying. */
const CLAIM: u64 = 10 * SECOND;
/** Tokens with unknown keys bring a fetch at most this often. */
const EARLIEST_REFRESH: u64 = 10 * SECOND;
const LONGEST_BACKOFF: u64 = 60 * SECOND;
const LARGEST_SET: i32 = 256 * 1024;

/** In shared data: when the next fetch is due, when the last one was, and how many failed in a row. */
const SCHEDULE_SIZE: i32 = 24;
const LAST: usize = 8;
const FAILURES: usize = 16;
const schedule: usize = memory.data(SCHEDULE_SIZE, 8);

/**
 * A key set that is fetched through an Envoy cluster and kept in shared data: one VM of the process fetches,
 * all read. A fetch that fails is tried again after 1, 2, 4 ... seconds; the keys at hand stay.
 */
export class JwksSource extends CalloutHandler {
  /** null until the first set came. */
  keys: Jwk[] | null = null;
  private readonly setKey: Bytes;
  private readonly scheduleKey: Bytes;
  private readonly clusterName: Bytes;
  private readonly request: HeaderPairs = new HeaderPairs();
  private version: u32 = 0;
  private wanted: bool = false;

  constructor(
    private readonly issuer: string,
    private readonly cluster: string,
    authority: string,
    path: string,
    private readonly refreshNanos: u64,
    /** Bit a: Algorithm a is accepted. */
    private readonly algorithms: u32,
  ) {
    super();
    // Keys from one place say nothing to a configuration that fetches them at another.
    const name = `${issuer}\n${cluster}\n${authority}\n${path}`;
    this.setKey = bytes(`modelgate.jwks.${name}`);
    this.scheduleKey = bytes(`modelgate.jwks_schedule.${name}`);
    this.clusterName = bytes(cluster);
    this.request.addText(METHOD, "GET");
    this.request.addText(PATH, path);
    this.request.addText(AUTHORITY, authority);
    this.request.addText(ACCEPT, "application/json");
  }

  /** Some token names a key that is not in the set. */
  wantRefresh(): void {
    this.wanted = true;
  }

  /** Takes over a set that came. @returns whether the keys changed */
  refresh(): bool {
    const length = getShared(this.setKey);
    if (length < 0 || sharedVersion() == this.version) return false;
    this.version = sharedVersion();
    const json = parseJson(sharedValue(), length, []);
    if (json == null) return false;
    const leftOut: string[] = [];
    this.keys = parseJwks(json, false, this.algorithms, leftOut);
    if (leftOut.length > 0) log(LogLevel.Warn, `keys of ${this.issuer} left out: ${leftOut.join(", ")}`);
    requestCollection();
    return true;
  }

  /**
   * Fetches when that is due. Only for a tick: Envoy first configures a VM that it throws away, which must
   * not spend the process's turn.
   */
  fetchIfDue(): void {
    const now = monotonicNanos();
    const version = this.readSchedule();
    const due = now >= load<u64>(schedule);
    const early = this.wanted && now >= load<u64>(schedule, LAST) + EARLIEST_REFRESH;
    if (!due && !early) return;
    store<u64>(schedule, now + CLAIM);
    store<u64>(schedule, now, LAST);
    if (!setShared(this.scheduleKey, schedule, SCHEDULE_SIZE, version)) return;
    this.wanted = false;
    if (!callout(this.clusterName.ptr, this.clusterName.len, this.request, 0, 0, TIMEOUT_MS, this))
      this.failed("no such cluster");
  }

  /** The plug-in ends: the host drops its callout, and nobody collects the memory of buffers. */
  stop(): void {
    forgetCallout(this);
    this.request.free();
  }

  onReply(status: i32, body: usize, len: i32): void {
    const fault = faultOf(status, body, len, this.algorithms);
    requestCollection();
    if (fault.length > 0) this.failed(fault);
    else {
      if (!this.holds(body, len)) setShared(this.setKey, body, len, 0);
      this.plan(this.refreshNanos, 0);
    }
  }

  /** Is this set the one at hand? Writing it again would make every VM forget the tokens it has checked. */
  private holds(body: usize, len: i32): bool {
    return getShared(this.setKey) == len && memory.compare(sharedValue(), body, len) == 0;
  }

  private failed(why: string): void {
    this.readSchedule();
    const failures = load<u64>(schedule, FAILURES) + 1;
    log(LogLevel.Warn, `keys of ${this.issuer} from ${this.cluster}: ${why}`);
    this.plan(min(SECOND << min<u64>(failures - 1, 6), LONGEST_BACKOFF), failures);
  }

  /** Reads the schedule, all zero (due now) when there is none. @returns its version */
  private readSchedule(): u32 {
    memory.fill(schedule, 0, SCHEDULE_SIZE);
    if (getShared(this.scheduleKey) == SCHEDULE_SIZE) memory.copy(schedule, sharedValue(), SCHEDULE_SIZE);
    return sharedVersion();
  }

  private plan(waitNanos: u64, failures: u64): void {
    this.readSchedule();
    store<u64>(schedule, monotonicNanos() + waitNanos);
    store<u64>(schedule, failures, FAILURES);
    setShared(this.scheduleKey, schedule, SCHEDULE_SIZE, 0);
  }
}

/** What is wrong with a reply to a fetch; empty when it is a key set. */
function faultOf(status: i32, body: usize, len: i32, algorithms: u32): string {
  if (status == 0) return "no answer";
  if (status != HttpStatus.OK) return `status ${status.toString()}`;
  if (len > LARGEST_SET) return "the set is too large";
  const faults: string[] = [];
  const json = parseJson(body, len, faults);
  if (json == null) return faults[0];
  const keys = parseJwks(json, false, algorithms, []);
  return keys == null || keys.length == 0 ? "no usable key in it" : "";
}
