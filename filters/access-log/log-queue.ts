import { Bytes, bytes } from "../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/host/shared-data";
import { dequeue, enqueue, queueData, registerQueue } from "../sdk/host/shared-queue";

/** Another VM wins a race for the count at most this often. */
const ATTEMPTS = 16;

const count: usize = memory.data(8);

/**
 * Blocks of lines on their way from the VMs of the process to the one that sends them. The host's queue knows
 * no bound: how many bytes are in it stands in shared data.
 */
export class LogQueue {
  private readonly queue: u32;
  private readonly key: Bytes;

  constructor(
    name: string,
    private readonly maxBytes: i64,
  ) {
    this.queue = registerQueue(name);
    this.key = bytes(`${name}.bytes`);
  }

  /** @returns false when there is no room. */
  push(ptr: usize, len: i32): bool {
    if (!this.add(len)) return false;
    if (enqueue(this.queue, ptr, len)) return true;
    this.add(-len);
    return false;
  }

  /** Where the block lies that `pop` took, until the next callback. */
  popped: usize = 0;

  /** Takes the oldest block. @returns its length, -1 when there is none; see `popped` */
  pop(): i32 {
    const length = dequeue(this.queue);
    this.popped = queueData();
    if (length >= 0) this.add(-length);
    else this.settle();
    return length;
  }

  private add(bytes: i64): bool {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const held = this.bytes();
      if (bytes > 0 && held + bytes > this.maxBytes) return false;
      if (this.setBytes(max<i64>(held + bytes, 0))) return true;
    }
    return bytes < 0;
  }

  private bytes(): i64 {
    return getShared(this.key) == 8 ? load<i64>(sharedValue()) : 0;
  }

  private setBytes(bytes: i64): bool {
    store<i64>(count, bytes);
    return setShared(this.key, count, 8, sharedVersion());
  }

  /** The queue is empty: what a VM that ended in the middle counted counts no more. */
  private settle(): void {
    if (this.bytes() != 0) this.setBytes(0);
  }
}
