import { proxy_set_tick_period_milliseconds } from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes } from "../bytes/bytes";
import { NameTable } from "../bytes/name-table";

/** Between two ticks, where no stage is in a hurry. */
export const TICK_MS: u32 = 1000;
/** How often a stage with held-back streams looks at them. */
const SHORT_TICK_MS: u32 = 5;

/** What a stream may know of the plug-in that it runs through, and ask of it. */
export class PipelineFacts {
  /** Names of the stages' times in a log; null for a stage that the configuration leaves out. */
  readonly phaseNames: (Bytes | null)[] = [];
  /** Does a stage want to know how long each was busy? */
  timed: bool = false;
  /**
   * Tasks with a filter of their own behind this one, such as a converter, each with the property of the
   * listener that has it; null when no task has one.
   */
  filtersBehind: NameTable<Bytes> | null = null;
  /** Stages that want `onShortTick`; the timer runs at the short period while there is one. */
  protected hurried: i32 = 0;

  constructor(
    public stageCount: i32,
    /** The pipeline is spread over several filters: what stages learn goes through filter state. */
    public handsOff: bool,
  ) {}

  /** Asks for `onShortTick` every few milliseconds; to be taken back by `unhurry`. */
  hurry(): void {
    if (this.hurried++ > 0) return;
    proxy_set_tick_period_milliseconds(SHORT_TICK_MS);
  }

  unhurry(): void {
    if (--this.hurried == 0) proxy_set_tick_period_milliseconds(TICK_MS);
  }
}
