import { random_get } from "../sdk/host/wasi_snapshot_preview1";
import { sipHash128, sipHigh, sipLow } from "./crypto/siphash";
import { Identity } from "./identity";

/**
 * Credentials that were checked before, so that a repeated one costs a hash. A secret or token is known here
 * by its SipHash under a key of this VM's alone. The table is set-associative and of fixed size: an entry
 * gives way to a newer one of its set.
 */

const SETS: usize = 1024;
const WAYS: usize = 4;
/**
 * (u64, u64) hash, i64 expiry in seconds, i32 credential, i32 length of the tasks, usize tasks; hash 0, 0 is
 * free.
 */
const ENTRY: usize = 40;
const EXPIRES: usize = 16;
const CREDENTIAL: usize = 24;
const TASKS_LEN: usize = 28;
const TASKS: usize = 32;
/** A token that names more bytes of tasks is checked anew each time. */
const LARGEST_TASKS: i32 = 1024;

const table: usize = heap.alloc(SETS * WAYS * ENTRY);
memory.fill(table, 0, SETS * WAYS * ENTRY);
const key: usize = memory.data(16, 8);
let seeded: bool = false;
let victim: usize = 0;

function entryOf(ptr: usize, len: i32, owner: u64): usize {
  if (!seeded) {
    random_get(key, 16);
    seeded = true;
  }
  sipHash128(ptr, len, load<u64>(key) ^ owner, load<u64>(key, 8));
  const set = table + (<usize>sipLow & (SETS - 1)) * WAYS * ENTRY;
  for (let way: usize = 0; way < WAYS; way++) {
    const entry = set + way * ENTRY;
    if (load<u64>(entry) == sipLow && load<u64>(entry, 8) == sipHigh) return entry;
  }
  return 0;
}

/**
 * Looks for [ptr, ptr + len) and sets `identity` to what it proved.
 * @param owner number of the configuration that asks: what one accepted says nothing to another
 * @param now seconds since 1970
 */
export function recall(ptr: usize, len: i32, owner: u64, now: i64, identity: Identity): bool {
  const entry = entryOf(ptr, len, owner);
  if (entry == 0 || load<i64>(entry, EXPIRES) <= now) return false;
  identity.credential = load<i32>(entry, CREDENTIAL);
  identity.tasksLen = load<i32>(entry, TASKS_LEN);
  identity.tasks = load<usize>(entry, TASKS);
  return true;
}

/** Remembers that [ptr, ptr + len) proved `identity`. */
export function remember(ptr: usize, len: i32, owner: u64, identity: Identity): void {
  if (identity.tasksLen > LARGEST_TASKS) return;
  let entry = entryOf(ptr, len, owner);
  if (entry == 0) {
    victim = (victim + 1) & (WAYS - 1);
    entry = table + ((<usize>sipLow & (SETS - 1)) * WAYS + victim) * ENTRY;
  }
  forget(entry);
  store<u64>(entry, sipLow);
  store<u64>(entry, sipHigh, 8);
  store<i64>(entry, identity.expires, EXPIRES);
  store<i32>(entry, identity.credential, CREDENTIAL);
  store<i32>(entry, identity.tasksLen, TASKS_LEN);
  if (identity.tasksLen > 0) {
    const tasks = heap.alloc(identity.tasksLen);
    memory.copy(tasks, identity.tasks, identity.tasksLen);
    store<usize>(entry, tasks, TASKS);
  }
}

function forget(entry: usize): void {
  if (load<usize>(entry, TASKS) != 0) heap.free(load<usize>(entry, TASKS));
  memory.fill(entry, 0, ENTRY);
}

/** Forgets all: something was revoked, or keys changed. */
export function forgetAll(): void {
  for (let i: usize = 0; i < SETS * WAYS; i++) forget(table + i * ENTRY);
}
