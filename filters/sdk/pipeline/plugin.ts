import {
  proxy_continue_stream,
  proxy_set_effective_context,
  proxy_set_tick_period_milliseconds,
} from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes, bytes } from "../bytes/bytes";
import { jsonError, parseJson } from "../bytes/json";
import { NameTable } from "../bytes/name-table";
import { Action, CONTINUE, PLUGIN_CONFIGURATION } from "../host/abi";
import { bufferData, readBuffer } from "../host/body";
import { monotonicNanos } from "../host/clock";
import { LogLevel, log } from "../host/log";
import { Gauge } from "../host/metrics";
import { Config } from "./config";
import { HttpContext } from "./http-context";
import { Stage } from "./stage";
import { phaseName, startLap } from "./stage-times";
import { VersionGauge } from "./version";

const TICK_MILLISECONDS: u32 = 1000;
/** A timer of a second may come a little early. */
const TICK_NANOS: u64 = 995_000_000;
/** How often a stage with held-back streams looks at them. */
const SHORT_TICK_MILLISECONDS: u32 = 5;
/** proxy_continue_stream: the request. */
const REQUEST_STREAM: u32 = 0;
const PAGE_BYTES: u64 = 65536;

/** Memory of the largest VM so far: workers share the gauge, and a VM's memory never shrinks. */
let vmMemory: Gauge | null = null;
let version: VersionGauge | null = null;

/** One root context: a plug-in configuration and its pipeline of stages. */
export class Plugin {
  /** Stages in the order of the request path; on the response path they run in reverse. */
  readonly stages: Stage[];
  /** Names of the stages' times in a log. */
  readonly phaseNames: Bytes[] = [];
  /** Does a stage want to know how long each was busy? */
  timed: bool = false;

  /**
   * @param handsOff the pipeline is spread over several filters: what stages learn goes through filter state
   */
  constructor(
    stages: Stage[],
    readonly handsOff: bool,
  ) {
    this.stages = stages;
    for (let i = 0; i < stages.length; i++) {
      stages[i].slot = i;
      this.phaseNames.push(phaseName(stages[i].key));
    }
  }

  /** Tasks with a filter of their own behind this one, such as a converter; null when no task has one. */
  filtersBehind: NameTable<bool> | null = null;

  /** Reads the plug-in configuration, `size` bytes. @returns false when it is refused; the log says why. */
  configure(size: i32): bool {
    const length = readBuffer(PLUGIN_CONFIGURATION, 0, size);
    const json = parseJson(bufferData(), length);
    if (json == null) return this.refuse(jsonError!);
    const faults: string[] = [];
    const config = new Config(json, "", faults);
    for (let i = 0; i < this.stages.length; i++) {
      const stage = this.stages[i];
      const own = config.object(stage.key);
      if (own == null) {
        if (!config.has(stage.key)) config.fault(stage.key, "is required");
      } else {
        stage.configure(own);
        own.finish();
        if (stage.wantsTimes) this.timed = true;
      }
    }
    this.filtersBehind = tasksOf(config.texts("filtersBehind"));
    config.finish();
    if (faults.length > 0) return this.refuse(faults.join("; "));
    if (vmMemory == null) vmMemory = new Gauge("modelgate.vm_memory_bytes");
    if (version == null) version = new VersionGauge();
    proxy_set_tick_period_milliseconds(TICK_MILLISECONDS);
    return true;
  }

  /** Stages that want `onShortTick`; the timer runs at the short period while there is one. */
  private hurried: i32 = 0;
  /** A change of period starts the timer anew, so the seconds are counted here: hurries that come and go hold up none. */
  private lastTick: u64 = 0;

  /** Asks for `onShortTick` every few milliseconds; to be taken back by `unhurry`. */
  hurry(): void {
    if (this.hurried++ > 0) return;
    proxy_set_tick_period_milliseconds(SHORT_TICK_MILLISECONDS);
  }

  unhurry(): void {
    if (--this.hurried == 0) proxy_set_tick_period_milliseconds(TICK_MILLISECONDS);
  }

  /** Lets a tick make host calls for a stream. */
  enter(http: HttpContext): void {
    proxy_set_effective_context(http.id);
  }

  /**
   * Goes on with a stream that a stage stopped in onRequestHeaders: runs the stages after it, then lets the host go on.
   * For a tick that has entered the stream.
   */
  resume(http: HttpContext, stopped: Stage): void {
    for (let i = stopped.slot + 1; i < this.stages.length; i++) {
      if (this.stages[i].onRequestHeaders(http, http.endOfRequest) != CONTINUE) return;
    }
    proxy_continue_stream(REQUEST_STREAM);
  }

  /** Starts the clock if the plug-in wants stages timed. @returns whether it does */
  private startLap(): bool {
    const timed = this.timed;
    if (timed) startLap();
    return timed;
  }

  private refuse(why: string): bool {
    log(LogLevel.Critical, `plug-in configuration refused: ${why}`);
    return false;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    http.readRequestHeaders();
    http.endOfRequest = endOfStream;
    const timed = this.startLap();
    for (let i = 0; i < this.stages.length; i++) {
      const action = this.stages[i].onRequestHeaders(http, endOfStream);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const timed = this.startLap();
    for (let i = 0; i < this.stages.length; i++) {
      const action = this.stages[i].onRequestBody(http, size, endOfStream);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onRequestTrailers(http: HttpContext): Action {
    const timed = this.startLap();
    for (let i = 0; i < this.stages.length; i++) {
      const action = this.stages[i].onRequestTrailers(http);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): Action {
    const timed = this.startLap();
    for (let i = this.stages.length - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseHeaders(http, endOfStream);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const timed = this.startLap();
    for (let i = this.stages.length - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseBody(http, size, endOfStream);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onResponseTrailers(http: HttpContext): Action {
    const timed = this.startLap();
    for (let i = this.stages.length - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseTrailers(http);
      if (timed) http.times.lap(i);
      if (action != CONTINUE) return action;
    }
    return CONTINUE;
  }

  onLog(http: HttpContext): void {
    for (let i = 0; i < this.stages.length; i++) this.stages[i].onLog(http);
  }

  onDone(http: HttpContext): void {
    for (let i = 0; i < this.stages.length; i++) {
      if (http.state(i) != null) this.stages[i].onDone(http);
    }
  }

  onDelete(): void {
    for (let i = 0; i < this.stages.length; i++) this.stages[i].onDelete();
  }

  onTick(): void {
    const now = monotonicNanos();
    if (this.hurried > 0) {
      for (let i = 0; i < this.stages.length; i++) this.stages[i].onShortTick();
      if (now - this.lastTick < TICK_NANOS) return;
    }
    this.lastTick = now;
    vmMemory!.raise(<u64>memory.size() * PAGE_BYTES);
    version!.beat();
    for (let i = 0; i < this.stages.length; i++) this.stages[i].onTick();
  }
}

function tasksOf(taskids: string[]): NameTable<bool> | null {
  if (taskids.length == 0) return null;
  const tasks = new NameTable<bool>();
  for (let i = 0; i < taskids.length; i++) tasks.add(bytes(taskids[i]), true);
  return tasks;
}
