/** Callbacks of modules with a stage that reads or changes responses. */
import { resetArena } from "../../host/arena";
import { httpContextOf, pluginOfStream } from "../contexts";

export * from "./response-headers";

export function proxy_on_response_body(id: u32, size: i32, endOfStream: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onResponseBody(http, size, endOfStream != 0);
}

export function proxy_on_response_trailers(id: u32, _count: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onResponseTrailers(http);
}
