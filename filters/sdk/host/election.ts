import { Bytes, bytes } from "../bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "./shared-data";

/** The value: u64 id of the elected VM, u64 time of its last beat (nanoseconds). */
const SIZE: i32 = 16;
/** A VM that let this time go by without a beat has lost the office. */
const EXPIRY: u64 = 2_000_000_000;

const value: usize = memory.data(16);

/**
 * Which VM of the process does what one does for all, such as speaking with the controller: the one whose id
 * stands in a shared value, for as long as it renews it.
 */
export class Election {
  private readonly key: Bytes;

  /**
   * @param office key of the shared value
   * @param id differs from every other VM's
   */
  constructor(
    office: string,
    private readonly id: u64,
  ) {
    this.key = bytes(office);
  }

  /** Renews the office, or takes a free one. @returns whether this VM has it */
  run(now: u64): bool {
    const length = getShared(this.key);
    if (length == SIZE) {
      const beat = load<u64>(sharedValue() + 8);
      if (load<u64>(sharedValue()) != this.id && (now < beat || now - beat < EXPIRY)) return false;
    }
    store<u64>(value, this.id);
    store<u64>(value + 8, now);
    return setShared(this.key, value, SIZE, sharedVersion());
  }
}
