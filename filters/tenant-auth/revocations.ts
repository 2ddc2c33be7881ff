import { bytes } from "../sdk/bytes/bytes";
import { getShared, sharedValue, sharedVersion } from "../sdk/host/shared-data";
import { SHA256_SIZE } from "./crypto/sha256";
import { DigestTable } from "./digest-table";

/**
 * Shared data that whoever hears of revocations writes: u64 generation, then the digests. It outlives the
 * VMs.
 */
const SHARED = bytes("modelgate.revoked");
const GENERATION_SIZE: i32 = 8;

/** Digests of what is revoked: those of the configuration, and those in shared data. */
export class Revocations {
  private table: DigestTable = new DigestTable(0);
  private version: u32 = 0;

  /** @param configured digests of the plug-in configuration, one behind the other */
  constructor(private readonly configured: StaticArray<u8>) {
    this.rebuild(0, 0);
  }

  /** Takes over what shared data says. @returns whether anything changed */
  refresh(): bool {
    const length = getShared(SHARED);
    if (length < GENERATION_SIZE || sharedVersion() == this.version) return false;
    this.version = sharedVersion();
    this.rebuild(sharedValue() + GENERATION_SIZE, length - GENERATION_SIZE);
    return true;
  }

  has(digest: usize): bool {
    return this.table.find(digest) >= 0;
  }

  private rebuild(shared: usize, sharedLen: i32): void {
    const configured = this.configured;
    this.table = new DigestTable((configured.length + sharedLen) / SHA256_SIZE);
    this.addAll(changetype<usize>(configured), configured.length);
    this.addAll(shared, sharedLen);
  }

  private addAll(digests: usize, len: i32): void {
    for (let at: i32 = 0; at + SHA256_SIZE <= len; at += SHA256_SIZE) this.table.add(digests + at, 0);
  }
}
