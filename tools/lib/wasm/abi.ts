/**
 * What Envoy offers a proxy-wasm module of ABI 0.2.1: proxy-wasm-cpp-host, include/proxy-wasm/exports.h, the
 * lists FOR_ALL_HOST_FUNCTIONS, FOR_ALL_HOST_FUNCTIONS_ABI_SPECIFIC and FOR_ALL_WASI_FUNCTIONS.
 */
const HOST_FUNCTIONS = [
  ...["log", "get_status", "get_log_level", "set_property", "get_property", "send_local_response"],
  ...["get_shared_data", "set_shared_data", "register_shared_queue", "resolve_shared_queue"],
  ...["dequeue_shared_queue", "enqueue_shared_queue", "get_header_map_value", "add_header_map_value"],
  ...["replace_header_map_value", "remove_header_map_value", "get_header_map_pairs", "set_header_map_pairs"],
  ...["get_header_map_size", "get_buffer_status", "get_buffer_bytes", "set_buffer_bytes", "http_call"],
  ...["grpc_call", "grpc_stream", "grpc_close", "grpc_cancel", "grpc_send", "set_tick_period_milliseconds"],
  ...["get_current_time_nanoseconds", "define_metric", "increment_metric", "record_metric", "get_metric"],
  ...["set_effective_context", "done", "call_foreign_function", "continue_stream", "close_stream"],
].map((name) => `env.proxy_${name}`);
const WASI_FUNCTIONS = [
  ...["fd_write", "fd_read", "fd_seek", "fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "environ_get"],
  ...["environ_sizes_get", "args_get", "args_sizes_get", "clock_time_get", "random_get", "sched_yield"],
  ...[
    "poll_oneoff",
    "proc_exit",
    "path_open",
    "path_create_directory",
    "path_remove_directory",
    "path_rename",
  ],
  ...["path_unlink_file", "path_filestat_get", "fd_prestat_get", "fd_prestat_dir_name"],
].flatMap((name) => [`wasi_snapshot_preview1.${name}`, `wasi_unstable.${name}`]);
const OFFERED = new Set([...HOST_FUNCTIONS, ...WASI_FUNCTIONS]);

/** Exports that Envoy looks for; of each list one must be there. */
const NEEDED = [
  ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"],
  ["proxy_on_memory_allocate", "malloc"],
  ["proxy_on_context_create"],
];

/** Why Envoy could not run a module; empty when it can. */
export function abiFaults(bytes: Uint8Array): string[] {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(bytes as BufferSource);
  } catch (error) {
    return [`it is no WebAssembly module: ${error instanceof Error ? error.message : String(error)}`];
  }
  const missing = WebAssembly.Module.imports(module)
    .map(({ module, name }) => `${module}.${name}`)
    .filter((name) => !OFFERED.has(name));
  const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const absent = NEEDED.filter((names) => !names.some((name) => exported.has(name)));
  return [
    ...missing.map((name) => `it imports ${name}, which Envoy lacks`),
    ...absent.map((names) => `it exports no ${names.join(" or ")}`),
  ];
}

/** The ABI that a module marks itself with, such as 0.2.1 (proxy-wasm spec, `proxy_abi_version_X_Y_Z`). */
export function abiOf(bytes: Uint8Array): string | undefined {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes as BufferSource));
  const mark = /^proxy_abi_version_(\d+)_(\d+)_(\d+)$/;
  return names.map(({ name }) => mark.exec(name)?.slice(1).join(".")).find((found) => found !== undefined);
}
