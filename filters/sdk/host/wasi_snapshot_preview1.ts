// System calls of WASI preview 1 that Envoy offers. AssemblyScript imports a declared function from the
// module named like its file, so this one must keep its name.
// Source: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

/** Stores the nanoseconds of a clock (0 real time, 1 monotonic) at `time`. */
export declare function clock_time_get(clock: u32, precision: u64, time: usize): u32;

/** Fills [buffer, buffer + size) with bytes that nobody can predict. */
export declare function random_get(buffer: usize, size: usize): u32;

/** Stores how many variables the environment has at `count`, and the bytes of them all at `size`. */
export declare function environ_sizes_get(count: usize, size: usize): u32;

/**
 * Writes the variables, `NAME=value` and a zero byte each, to `buffer`, and pointers to them to `pointers`.
 */
export declare function environ_get(pointers: usize, buffer: usize): u32;
