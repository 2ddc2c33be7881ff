import { Bytes, fnv1a } from "../sdk/bytes/bytes";
import { Policy } from "./policy";
import { RawTemplate } from "./tensor/raw-tensor";
import { Signature } from "./tensorflow-serving/signature";

/** A task that is converted. */
export class Task {
  constructor(
    readonly taskid: Bytes,
    /** What TensorFlow Serving's models of the task take and give; the default signature first. */
    readonly signatures: Signature[],
    /** What the body is when it is a raw tensor and the headers do not say. */
    readonly raw: RawTemplate | null,
    readonly policy: Policy,
  ) {}
}

/** Tasks by id: open addressing, at most half full. */
export class TaskSet {
  private readonly slots: StaticArray<Task | null>;

  /** @param count how many there will be at most */
  constructor(count: i32) {
    this.slots = new StaticArray<Task | null>(1 << (33 - clz<i32>(max(count, 1))));
  }

  add(task: Task): void {
    this.slots[this.slotOf(task.taskid.ptr, task.taskid.len)] = task;
  }

  find(taskid: usize, len: i32): Task | null {
    return this.slots[this.slotOf(taskid, len)];
  }

  private slotOf(taskid: usize, len: i32): i32 {
    const mask = this.slots.length - 1;
    let at = <i32>fnv1a(taskid, len) & mask;
    while (true) {
      const held = this.slots[at];
      if (held == null || held.taskid.equals(taskid, len)) return at;
      at = (at + 1) & mask;
    }
  }
}
