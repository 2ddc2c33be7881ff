import { resetArena } from "../../host/arena";
import { httpContextOf, pluginOfStream } from "../contexts";

export function proxy_on_response_headers(id: u32, _count: u32, endOfStream: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onResponseHeaders(http, endOfStream != 0);
}
