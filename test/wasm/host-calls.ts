import { bytes, toText } from "../../filters/sdk/bytes/bytes";
import { CalloutHandler, callout } from "../../filters/sdk/host/callout";
import { callForeign, foreignResult } from "../../filters/sdk/host/foreign-function";
import { HeaderPairs } from "../../filters/sdk/host/headers";
import { LogLevel, log } from "../../filters/sdk/host/log";
import { Counter } from "../../filters/sdk/host/metrics";
import { getProperty, propertyPath, propertyValue } from "../../filters/sdk/host/properties";
import { Config } from "../../filters/sdk/pipeline/config";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { Stage } from "../../filters/sdk/pipeline/stage";

export * from "../../filters/sdk/pipeline/exports/base";

const CLUSTER = bytes("task-666");
const NO_CLUSTER = bytes("no-such-cluster");
const COMPRESS = bytes("compress");
const UNCOMPRESS = bytes("uncompress");
const TEXT = bytes("text text text text text text text text text text");
const PLUGIN_NAME = propertyPath("plugin_name");
const headers = new HeaderPairs();

function add(name: string, value: string): void {
  const text = bytes(value);
  headers.add(bytes(name), text.ptr, text.len);
}
add(":method", "POST");
add(":path", "/");
add(":authority", "models");

class Reply extends CalloutHandler {
  onReply(status: i32, _body: usize, _len: i32): void {
    log(LogLevel.Warn, `callout replied ${status.toString()}`);
  }
}

/** On each tick uses the host calls that no stage uses yet, and logs what came of them. */
class HostCalls extends Stage {
  private ticks: Counter | null = null;

  get key(): string {
    return "hostCalls";
  }

  configure(_config: Config): void {
    this.ticks = new Counter("modelgate.test_ticks");
  }

  onTick(): void {
    this.ticks!.add(2);
    if (!callout(NO_CLUSTER.ptr, NO_CLUSTER.len, headers, 0, 0, 1000, new Reply()))
      log(LogLevel.Warn, "callout refused");
    callout(CLUSTER.ptr, CLUSTER.len, headers, 0, 0, 1000, new Reply());
    const compressed = callForeign(COMPRESS, TEXT.ptr, TEXT.len);
    const restored = callForeign(UNCOMPRESS, foreignResult(), compressed);
    log(
      LogLevel.Warn,
      `compressed: ${(compressed < TEXT.len).toString()}, restored: ${toText(foreignResult(), restored)}`,
    );
    const name = getProperty(PLUGIN_NAME);
    log(LogLevel.Warn, `plugin ${toText(propertyValue(), name)}`);
  }
}

defineModule(() => [new HostCalls()], true);
