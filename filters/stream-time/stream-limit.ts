import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Config } from "../sdk/pipeline/config";

const NANOS_PER_MILLISECOND: u64 = 1_000_000;
/**
 * Envoy cuts a stream so much later: one whose model says nothing when its time is over, which no callback
 * tells of.
 */
const GRACE_MS: u64 = 1000;

/** How long streams of a task may take. */
export class StreamLimit {
  constructor(
    /** Does this stage tell Envoy, or another one that knows the task's streams? */
    readonly lifts: bool,
    /** 0: as long as they like. */
    readonly nanos: u64,
    /** Milliseconds, as a header has them; 0: as long as they like. */
    readonly header: Bytes,
  ) {}

  static read(config: Config): StreamLimit {
    const milliseconds = <u64>config.number("timeoutMilliseconds", 0, 0);
    const lifts = config.flag("lifts", false);
    config.finish();
    const header = milliseconds == 0 ? milliseconds : milliseconds + GRACE_MS;
    return new StreamLimit(lifts, milliseconds * NANOS_PER_MILLISECOND, bytes(header.toString()));
  }
}
