import { bytes } from "../sdk/bytes/bytes";
import { cutQueryParameter } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { BodyAction } from "../sdk/host/actions";
import { setFilterState } from "../sdk/host/properties";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Stage } from "../sdk/pipeline/stage";
import { readCalledModel } from "./called-model";
import { readSettings, Settings } from "./read-config";
import { writeLine } from "./write-line";

const LOG_STATE = bytes("modelgate.log");

const value: Slice = new Slice();

/**
 * A line for each request: who called what, what became of it, how long it took. It goes one of two ways: as
 * a fragment of a JSON object in filter state `modelgate.log`, which Envoy's own logger puts into its line
 * behind what Envoy knows; or, complete, in batches to the collector.
 */
export class AccessLog extends Stage {
  private settings: Settings = new Settings();

  get key(): string {
    return "accessLog";
  }

  get wantsTimes(): bool {
    return this.settings.timed;
  }

  configure(config: Config): void {
    this.settings = readSettings(config);
  }

  /** The first chunk of a gRPC caller's message says what model is called. */
  onRequestBody(http: HttpContext, _size: i32, _endOfStream: bool): BodyAction {
    if (http.grpc && this.settings.namesModel && http.state(this.slot) == null)
      http.setState(this.slot, readCalledModel(http.path));
    return BodyAction.CONTINUE;
  }

  onLog(http: HttpContext): void {
    const settings = this.settings;
    const sender = settings.sender;
    // A request that Envoy answered before any filter saw it.
    const seen = http.method.len > 0;
    if (!seen) http.readRequestHeaders();
    if (sender != null && !settings.sampling.keeps(http)) return;
    this.redact(http);
    const line = settings.line;
    writeLine(line, settings, http, seen, this.slot);
    if (sender != null) sender.add();
    else if (line.out.len > 0) setFilterState(LOG_STATE, line.out.ptr, line.out.len);
  }

  private redact(http: HttpContext): void {
    const parameters = this.settings.redactedParameters;
    for (let i = 0; i < parameters.length; i++) cutQueryParameter(http.path, parameters[i], value);
    const paths = this.settings.redactedPaths;
    for (let i = 0; i < paths.length; i++) if (paths[i].hide(http.path)) return;
  }

  onDone(http: HttpContext): void {
    const called = http.state(this.slot);
    if (called == null) return;
    called.release();
    http.setState(this.slot, null);
  }

  onTick(): void {
    const sender = this.settings.sender;
    if (sender != null) sender.onTick();
  }

  onDelete(): void {
    const sender = this.settings.sender;
    if (sender != null) sender.stop();
    this.settings.line.free();
  }
}
