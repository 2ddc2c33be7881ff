/** The callback of modules with a stage that wants to know how a stream ended. */
import { resetArena } from "../../host/arena";
import { httpContextOf, isPlugin, pluginOfStream } from "../contexts";

export function proxy_on_log(id: u32): void {
  if (isPlugin(id)) return;
  resetArena();
  const http = httpContextOf(id);
  pluginOfStream(http).onLog(http);
}
