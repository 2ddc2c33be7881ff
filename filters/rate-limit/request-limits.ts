import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { MALFORMED } from "./cost";
import { KeyedLimit } from "./keyed-limit";
import { Mode } from "./limit";
import { NamedLimit } from "./named-limit";

/** A header that says a request's cost says none: refused, for a limit that nonsense escapes is no limit. */
const COST_MALFORMED = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "cost_malformed",
  "the header that says the request's cost must be one whole number within its limit",
);

/** A request has at most a tenant's, a credential's and a task's limit. */
const MOST_NAMED = 4;

/** The limits that one request has to pass, and what it paid of each so far. One at a time: reused. */
export class RequestLimits {
  /** Limits on header values and paths. */
  static readonly MOST_KEYED: i32 = 8;

  private readonly limits: StaticArray<NamedLimit | null> = new StaticArray<NamedLimit | null>(MOST_NAMED);
  private readonly costs: StaticArray<f64> = new StaticArray<f64>(MOST_NAMED);
  private readonly keyed: StaticArray<KeyedLimit | null> = new StaticArray<KeyedLimit | null>(8);
  private readonly keyedCosts: StaticArray<f64> = new StaticArray<f64>(8);
  private readonly fingerprints: StaticArray<u64> = new StaticArray<u64>(8);
  private paid: i32 = 0;
  private paidKeyed: i32 = 0;
  reserve: f64 = 0;
  largestReserve: f64 = 0;

  /** The limit that refused the request; null when none did, or one that nobody can wait for. */
  refusedBy: NamedLimit | null = null;
  /** The request waited for its token, so it goes before those that wait still. */
  private fromTheLine: bool = false;

  /** Begins with another request, of a priority that leaves `reserve` to others. */
  start(reserve: f64, largestReserve: f64, fromTheLine: bool): void {
    this.refusedBy = null;
    this.fromTheLine = fromTheLine;
    this.paid = 0;
    this.paidKeyed = 0;
    this.reserve = reserve;
    this.largestReserve = largestReserve;
  }

  /** Pays a named limit. @returns the refusal, null when it is paid (or need not be) */
  pay(limit: NamedLimit, http: HttpContext): LocalReply | null {
    if (!limit.counts(http)) return null;
    const flat = limit.flatCost;
    const cost = flat >= 0 ? flat : limit.cost.of(http);
    if (cost == MALFORMED) return this.mayRefuse(limit.mode, COST_MALFORMED, http);
    const behind = limit.queued > 0 && !this.fromTheLine;
    if (behind) limit.refuseBehindTheLine();
    if (behind || !limit.take(cost, this.reserve, this.largestReserve)) {
      const refusal = this.mayRefuse(limit.mode, limit.reply, http);
      if (refusal != null) this.refusedBy = limit;
      return refusal;
    }
    this.limits[this.paid] = limit;
    this.costs[this.paid++] = cost;
    return null;
  }

  /** Pays a limit on what the request has in a header or path. */
  payKeyed(limit: KeyedLimit, http: HttpContext): LocalReply | null {
    if (!limit.counts(http)) return null;
    const fingerprint = limit.fingerprintOf(http);
    if (fingerprint == 0) return null;
    const flat = limit.flatCost;
    const cost = flat >= 0 ? flat : limit.cost.of(http);
    if (cost == MALFORMED) return this.mayRefuse(limit.mode, COST_MALFORMED, http);
    if (!limit.take(fingerprint, cost, this.reserve, this.largestReserve))
      return this.mayRefuse(limit.mode, limit.reply, http);
    this.keyed[this.paidKeyed] = limit;
    this.keyedCosts[this.paidKeyed] = cost;
    this.fingerprints[this.paidKeyed++] = fingerprint;
    return null;
  }

  /** A limit in dry run refuses nothing, it only says so. */
  mayRefuse(mode: Mode, reply: LocalReply, http: HttpContext): LocalReply | null {
    if (mode != Mode.DryRun) return reply;
    http.refuseDry(reply);
    return null;
  }

  /** The request got no further: what it paid serves the next one. */
  refund(): void {
    for (let i = 0; i < this.paid; i++) this.limits[i]!.refund(this.costs[i]);
    for (let i = 0; i < this.paidKeyed; i++) this.keyed[i]!.refund(this.fingerprints[i], this.keyedCosts[i]);
    this.paid = 0;
    this.paidKeyed = 0;
  }
}
