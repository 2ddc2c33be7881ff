import { random_get } from "./wasi_snapshot_preview1";

const random: usize = memory.data(8);

/** An id that no other VM has. */
export function randomId(): u64 {
  random_get(random, 8);
  return load<u64>(random);
}
