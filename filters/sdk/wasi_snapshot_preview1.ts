// Imported from the module named like this file.

/** WASI clock: id 0 is the wall clock, 1 the monotonic one. Stores nanoseconds (u64) at `result`. */
export declare function clock_time_get(id: i32, precision: i64, result: usize): i32;

/** Fills [ptr, ptr + len) with random bytes. */
export declare function random_get(ptr: usize, len: usize): i32;
