/** Callbacks that every module exports: memory, configuration, contexts, ticks, callout replies. */
import "../../host/abort";
import { allocateForHost, resetArena } from "../../host/arena";
import { onCalloutReply } from "../../host/callout";
import { updateCoarseClock } from "../../host/clock";
import { collectIfRequested } from "../../host/collection";
import {
  createHttpContext,
  createPlugin,
  deleteHttpContext,
  deletePlugin,
  httpContextOf,
  isPlugin,
  pluginOf,
  pluginOfStream,
} from "../contexts";

/** Marks the version of the ABI. */
export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return allocateForHost(size);
}

export function proxy_on_vm_start(_rootId: u32, _configurationSize: i32): u32 {
  return 1;
}

export function proxy_on_configure(rootId: u32, configurationSize: i32): u32 {
  resetArena();
  updateCoarseClock();
  const accepted = pluginOf(rootId).configure(configurationSize);
  __collect();
  return accepted ? 1 : 0;
}

export function proxy_on_context_create(id: u32, rootId: u32): void {
  if (rootId == 0) createPlugin(id);
  else createHttpContext(id, pluginOf(rootId));
}

export function proxy_on_tick(rootId: u32): void {
  resetArena();
  updateCoarseClock();
  pluginOf(rootId).onTick();
  collectIfRequested();
}

export function proxy_on_http_call_response(
  _rootId: u32,
  token: u32,
  headerCount: i32,
  bodySize: i32,
  _trailerCount: i32,
): void {
  resetArena();
  onCalloutReply(token, headerCount, bodySize);
}

export function proxy_on_delete(id: u32): void {
  if (isPlugin(id)) {
    deletePlugin(id);
    __collect();
  } else {
    resetArena();
    const http = httpContextOf(id);
    pluginOfStream(http).onDone(http);
    deleteHttpContext(id);
  }
}
