import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes, hexDigit } from "../../sdk/bytes/bytes";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { BudgetsReply } from "../budget/budgets-reply";
import {
  GONE,
  HAS_MAX_IN_FLIGHT,
  HAS_RATE,
  LimitRecord,
  TASK,
  TASK_TOKENS,
  TENANT,
  TENANT_TOKENS,
} from "./limit-records";

const VERSION = bytes("limits.modelgate.dev/v1");
const API_VERSION = bytes("apiVersion");
const GENERATION = bytes("generation");
const FULL = bytes("full");
const TASKS = bytes("tasks");
const TENANTS = bytes("tenants");
const TASK_TOKENS_FIELD = bytes("taskTokens");
const TENANT_TOKENS_FIELD = bytes("tenantTokens");
const REVOKED = bytes("revoked");
const BUDGETS = bytes("budgets");
const REQUESTS_PER_SECOND = bytes("requestsPerSecond");
const TOKENS_PER_SECOND = bytes("tokensPerSecond");
const BURST = bytes("burst");
const MAX_IN_FLIGHT = bytes("maxInFlight");

const LARGEST_RATE: f64 = 1e9;
const LARGEST_IN_FLIGHT: f64 = 1e6;
/** 2^53: beyond, a number in JSON is not exact. */
const LARGEST_GENERATION: f64 = 9_007_199_254_740_992;
const LONGEST_NAME: i32 = 256;
/** Of one gateway. */
export const MOST_LIMITS: i32 = 50_000;
/**
 * A Tenant's list of 100,000, and two for each of 10,000 credentials that are not valid
 * (tools/api/tenant.ts).
 */
const MOST_REVOKED: i32 = 120_000;
const DIGEST: i32 = 32;

/**
 * The controller's answer to a report: JSON -> records. It is taken as a whole or not at all: text that is
 * not what the protocol says, or a number that cannot be right, makes all of it void.
 */
export class LimitsReply {
  generation: u64 = 0;
  full: bool = false;
  /** Records of limit-records.ts. */
  readonly limits: ByteBuffer = new ByteBuffer();
  count: i32 = 0;
  /** Digests of revoked credentials, 32 bytes each; see `hasRevoked`. */
  readonly revoked: ByteBuffer = new ByteBuffer();
  hasRevoked: bool = false;
  readonly budgets: BudgetsReply = new BudgetsReply();

  private readonly json: JsonScanner = new JsonScanner();
  private readonly key: ByteBuffer = new ByteBuffer();
  private readonly text: ByteBuffer = new ByteBuffer();
  private readonly name: ByteBuffer = new ByteBuffer();
  private readonly record: LimitRecord = new LimitRecord();

  /** @returns false when the reply is to be ignored. */
  parse(ptr: usize, len: i32): bool {
    const json = this.json;
    let versions = 0;
    let generations = 0;
    let fulls = 0;
    this.limits.clear();
    this.revoked.clear();
    this.count = 0;
    this.hasRevoked = false;
    this.budgets.clear();
    json.start(ptr, len);
    json.enterObject();
    while (json.nextMember(this.key)) {
      if (this.keyIs(API_VERSION)) {
        versions++;
        if (!json.string(this.text) || !VERSION.equals(this.text.ptr, this.text.len)) json.fail();
      } else if (this.keyIs(GENERATION)) {
        generations++;
        this.generation = <u64>this.bounded(LARGEST_GENERATION, true);
      } else if (this.keyIs(FULL)) {
        fulls++;
        this.full = json.boolean();
      } else if (this.keyIs(TASKS)) this.limitsOf(TASK);
      else if (this.keyIs(TENANTS)) this.limitsOf(TENANT);
      else if (this.keyIs(TASK_TOKENS_FIELD)) this.limitsOf(TASK_TOKENS);
      else if (this.keyIs(TENANT_TOKENS_FIELD)) this.limitsOf(TENANT_TOKENS);
      else if (this.keyIs(REVOKED)) this.readRevoked();
      else if (this.keyIs(BUDGETS)) this.budgets.read(json);
      else json.skip();
    }
    return json.done && versions == 1 && generations == 1 && fulls == 1;
  }

  /** Gives the memory back. */
  free(): void {
    this.limits.free();
    this.revoked.free();
    this.budgets.free();
    this.key.free();
    this.text.free();
    this.name.free();
    this.json.free();
  }

  private keyIs(name: Bytes): bool {
    return name.equals(this.key.ptr, this.key.len);
  }

  /** A number from 0 to `most`. */
  private bounded(most: f64, whole: bool): f64 {
    const number = this.json.number();
    if (number >= 0 && number <= most && (!whole || Math.floor(number) == number)) return number;
    this.json.fail();
    return 0;
  }

  private limitsOf(kind: u8): void {
    const json = this.json;
    json.enterObject();
    while (json.nextMember(this.key)) {
      const name = this.key;
      if (name.len == 0 || name.len > LONGEST_NAME || ++this.count > MOST_LIMITS) {
        json.fail();
        return;
      }
      const record = this.record;
      this.name.clear();
      this.name.append(name.ptr, name.len);
      record.kind = kind;
      record.flags = 0;
      record.perSecond = 0;
      record.burst = 0;
      record.maxInFlight = 0;
      if (json.takeNull()) record.flags = GONE;
      else this.limit();
      record.name = this.name.ptr;
      record.nameLen = this.name.len;
      if (!json.failed) record.append(this.limits);
    }
  }

  private limit(): void {
    const json = this.json;
    const record = this.record;
    const rate = record.kind >= TASK_TOKENS ? TOKENS_PER_SECOND : REQUESTS_PER_SECOND;
    let bursts = 0;
    json.enterObject();
    while (json.nextMember(this.key)) {
      if (this.keyIs(rate)) {
        record.perSecond = this.bounded(LARGEST_RATE, false);
        record.flags |= HAS_RATE;
      } else if (this.keyIs(BURST)) {
        record.burst = this.bounded(LARGEST_RATE, false);
        bursts++;
      } else if (this.keyIs(MAX_IN_FLIGHT)) {
        if (json.takeNull()) continue;
        record.maxInFlight = <u32>this.bounded(LARGEST_IN_FLIGHT, true);
        record.flags |= HAS_MAX_IN_FLIGHT;
      } else json.skip();
    }
    if (bursts == 0) record.burst = Math.ceil(record.perSecond);
  }

  private readRevoked(): void {
    const json = this.json;
    this.hasRevoked = true;
    json.enterArray();
    let count = 0;
    while (json.nextElement()) {
      if (!json.string(this.text) || ++count > MOST_REVOKED || !this.appendDigest()) json.fail();
    }
  }

  /** 64 hexadecimal digits -> 32 bytes. */
  private appendDigest(): bool {
    const text = this.text;
    if (text.len != DIGEST * 2) return false;
    for (let i: i32 = 0; i < text.len; i += 2) {
      const high = hexDigit(load<u8>(text.ptr + i));
      const low = hexDigit(load<u8>(text.ptr + i + 1));
      if ((high | low) < 0) return false;
      this.revoked.appendByte(<u8>((high << 4) | low));
    }
    return true;
  }
}
