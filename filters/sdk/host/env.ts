// Host calls that @solo-io/proxy-runtime lacks or binds to the wrong import. AssemblyScript imports a
// declared function from the module named like its file, so this one must stay `env.ts`.
// Source: proxy-wasm ABI 0.2.1, https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1

/**
 * Replaces `length` bytes from `start` of a body buffer; see body.ts for the three forms the host accepts.
 */
export declare function proxy_set_buffer_bytes(
  bufferType: i32,
  start: u32,
  length: u32,
  data: usize,
  size: usize,
): u32;
