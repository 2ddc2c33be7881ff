import { coarseSeconds } from "../host/clock";
import { Gauge } from "../host/metrics";

/** `tools/lib/wasm/version.ts` fills in which build of which release this is, once the module is compiled. */
const NAME: string = "modelgate.version.????????????????????????????????";

/**
 * Tells in Envoy's stats which build runs: the gauge of a version says when one of its VMs last lived, in
 * Unix seconds.
 */
export class VersionGauge {
  private readonly gauge: Gauge = new Gauge(NAME.trimEnd());

  /** To be called at each tick. */
  beat(): void {
    this.gauge.raise(<u64>coarseSeconds());
  }
}
