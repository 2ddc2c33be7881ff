import { ByteBuffer } from "../../sdk/bytes/byte-buffer";

/**
 * Limits in a compact form, for shared data: u64 generation, then records of u8 kind, u8 flags, u16 length of
 * the name, f64 requests or tokens per second, f64 burst, u32 requests in flight, the name.
 */

export const TASK: u8 = 0;
export const TENANT: u8 = 1;
/** Limits on tokens of language models. */
export const TASK_TOKENS: u8 = 2;
export const TENANT_TOKENS: u8 = 3;
export const KINDS: i32 = 4;

/** The limit is gone. Only in a change, never in what holds. */
export const GONE: u8 = 1;
export const HAS_RATE: u8 = 2;
export const HAS_MAX_IN_FLIGHT: u8 = 4;

export const GENERATION_SIZE: i32 = 8;
const FIXED: i32 = 24;

export class LimitRecord {
  kind: u8 = 0;
  flags: u8 = 0;
  perSecond: f64 = 0;
  burst: f64 = 0;
  maxInFlight: u32 = 0;
  name: usize = 0;
  nameLen: i32 = 0;

  append(out: ByteBuffer): void {
    out.reserve(FIXED + this.nameLen);
    const at = out.end;
    store<u8>(at, this.kind);
    store<u8>(at + 1, this.flags);
    store<u16>(at + 2, <u16>this.nameLen);
    store<f64>(at + 4, this.perSecond);
    store<f64>(at + 12, this.burst);
    store<u32>(at + 20, this.maxInFlight);
    memory.copy(at + FIXED, this.name, this.nameLen);
    out.len += FIXED + this.nameLen;
  }

  /** Reads the record at `ptr`. @returns where the next one is */
  read(ptr: usize): usize {
    this.kind = load<u8>(ptr);
    this.flags = load<u8>(ptr + 1);
    this.nameLen = load<u16>(ptr + 2);
    this.perSecond = load<f64>(ptr + 4);
    this.burst = load<f64>(ptr + 12);
    this.maxInFlight = load<u32>(ptr + 20);
    this.name = ptr + FIXED;
    return ptr + FIXED + this.nameLen;
  }

  has(flag: u8): bool {
    return (this.flags & flag) != 0;
  }
}
