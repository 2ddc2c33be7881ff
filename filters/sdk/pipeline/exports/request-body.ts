/** Callbacks of modules with a stage that reads or changes request bodies. */
import { resetArena } from "../../host/arena";
import { httpContextOf, pluginOfStream } from "../contexts";

export function proxy_on_request_body(id: u32, size: i32, endOfStream: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onRequestBody(http, size, endOfStream != 0);
}

export function proxy_on_request_trailers(id: u32, _count: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onRequestTrailers(http);
}
