import {
  proxy_continue_stream,
  proxy_set_tick_period_milliseconds,
} from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes, bytes } from "../bytes/bytes";
import { parseJson } from "../bytes/json";
import { NameTable } from "../bytes/name-table";
import { PLUGIN_CONFIGURATION } from "../host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../host/actions";
import { bufferData, readBuffer } from "../host/body";
import { monotonicNanos } from "../host/clock";
import { GrpcCode } from "../host/grpc-code";
import { HttpStatus } from "../host/http-status";
import { LogLevel, log } from "../host/log";
import { Gauge } from "../host/metrics";
import { propertyPath } from "../host/properties";
import { Config } from "./config";
import { HttpContext } from "./http-context";
import { LocalReply } from "./local-reply";
import { PipelineFacts, TICK_MS } from "./pipeline-facts";
import { Stage } from "./stage";
import { phaseName } from "./stage-times";
import { VersionGauge } from "./version";

/** A timer of a second may come a little early. */
const TICK_NANOS: u64 = 995_000_000;
/** proxy_continue_stream: the request. */
const REQUEST_STREAM: u32 = 0;
const PAGE_BYTES: u64 = 65536;

/** Where a listener says which tasks have a filter of their own: tools/cluster/istio/converter-chain.ts. */
const FILTERS_BEHIND = "xds.listener_metadata.filter_metadata.modelgate.filters";
/** This filter's configuration came before the listener that goes with it. */
const FILTER_PENDING = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.UNAVAILABLE,
  "converter_pending",
  "the task's converter is on its way to this gateway: try again in a second",
);

/** Memory of the largest VM so far: workers share the gauge, and a VM's memory never shrinks. */
let vmMemory: Gauge | null = null;
let version: VersionGauge | null = null;

/** One root context: a plug-in configuration and its pipeline of stages. */
export class Plugin extends PipelineFacts {
  /** Those of `all` that the configuration is for. */
  private stages: Stage[] = [];
  /** The only stage, of a pipeline of its own. */
  private apart: Stage | null = null;

  /**
   * @param all in the order of the request path; on the response path they run in reverse
   * @param handsOff the pipeline is spread over several filters: what stages learn goes through filter state
   */
  constructor(
    private readonly all: Stage[],
    handsOff: bool,
  ) {
    super(0, handsOff);
  }

  /** Makes the pipeline that the configuration is for. */
  private choose(config: Config): void {
    const stages: Stage[] = [];
    for (let i = 0; i < this.all.length; i++) {
      const stage = this.all[i];
      if (!stage.isApart) stages.push(stage);
      else if (config.has(stage.key)) {
        this.handsOff = true;
        this.apart = stage;
        stages.length = 0;
        stages.push(stage);
        break;
      }
    }
    this.stages = stages;
    this.stageCount = stages.length;
    this.phaseNames.length = 0;
    for (let i = 0; i < stages.length; i++) {
      stages[i].slot = i;
      this.phaseNames.push(null);
    }
  }

  /** Reads the plug-in configuration, `size` bytes. @returns false when it is refused; the log says why. */
  configure(size: i32): bool {
    const length = readBuffer(PLUGIN_CONFIGURATION, 0, size);
    const faults: string[] = [];
    const json = parseJson(bufferData(), length, faults);
    if (json == null) return this.refuse(faults[0]);
    const config = new Config(json, "", faults);
    this.choose(config);
    for (let i = 0; i < this.stageCount; i++) {
      const stage = this.stages[i];
      const own = config.object(stage.key);
      if (own == null) {
        if (stage.isRequired && !config.has(stage.key)) config.fault(stage.key, "is required");
      } else {
        this.phaseNames[i] = phaseName(stage.key);
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
    proxy_set_tick_period_milliseconds(TICK_MS);
    return true;
  }

  /**
   * Goes on with a stream that a stage stopped in onRequestHeaders: runs the stages after it, then lets the
   * host go on. For a tick that has entered the stream.
   */
  resume(http: HttpContext, stopped: Stage): void {
    if (this.requestHeadersFrom(stopped.slot + 1, http) != HeadersAction.CONTINUE) return;
    proxy_continue_stream(REQUEST_STREAM);
  }

  private refuse(why: string): bool {
    log(LogLevel.Critical, `plug-in configuration refused: ${why}`);
    return false;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const apart = this.apart;
    if (apart != null && apart.passesUnread()) return HeadersAction.CONTINUE;
    http.readRequestHeaders();
    http.endOfRequest = endOfStream;
    return this.requestHeadersFrom(0, http);
  }

  private requestHeadersFrom(first: i32, http: HttpContext): HeadersAction {
    http.times.start();
    for (let i = first; i < this.stageCount; i++) {
      const action = this.stages[i].onRequestHeaders(http, http.endOfRequest);
      http.times.lap(i);
      if (action != HeadersAction.CONTINUE) return action;
    }
    if (http.lacksFilterBehind) {
      http.refuse(FILTER_PENDING);
      return HeadersAction.STOP;
    }
    return HeadersAction.CONTINUE;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    http.times.start();
    http.chunkBytes = size;
    for (let i = 0; i < this.stageCount; i++) {
      const action = this.stages[i].onRequestBody(http, http.chunkBytes, endOfStream);
      http.times.lap(i);
      if (action != BodyAction.CONTINUE) return action;
    }
    return BodyAction.CONTINUE;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    http.times.start();
    for (let i = 0; i < this.stageCount; i++) {
      const action = this.stages[i].onRequestTrailers(http);
      http.times.lap(i);
      if (action != TrailersAction.CONTINUE) return action;
    }
    return TrailersAction.CONTINUE;
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    let held = HeadersAction.CONTINUE;
    http.times.start();
    for (let i = this.stageCount - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseHeaders(http, endOfStream);
      http.times.lap(i);
      if (action == HeadersAction.STOP) return action;
      // Those that wait go on with the body: the other stages see them now.
      if (action == HeadersAction.HOLD) held = action;
    }
    return held;
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    http.times.start();
    for (let i = this.stageCount - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseBody(http, size, endOfStream);
      http.times.lap(i);
      if (action != BodyAction.CONTINUE) return action;
    }
    return BodyAction.CONTINUE;
  }

  onResponseTrailers(http: HttpContext): TrailersAction {
    http.times.start();
    for (let i = this.stageCount - 1; i >= 0; i--) {
      const action = this.stages[i].onResponseTrailers(http);
      http.times.lap(i);
      if (action != TrailersAction.CONTINUE) return action;
    }
    return TrailersAction.CONTINUE;
  }

  onLog(http: HttpContext): void {
    for (let i = 0; i < this.stageCount; i++) this.stages[i].onLog(http);
  }

  onDone(http: HttpContext): void {
    for (let i = 0; i < this.stageCount; i++) {
      if (http.state(i) != null) this.stages[i].onDone(http);
    }
  }

  onDelete(): void {
    for (let i = 0; i < this.stageCount; i++) this.stages[i].onDelete();
  }

  /**
   * A change of period starts the timer anew, so the seconds are counted here: hurries that come and go hold
   * up none.
   */
  private lastTick: u64 = 0;

  onTick(): void {
    const now = monotonicNanos();
    if (this.hurried > 0) {
      for (let i = 0; i < this.stageCount; i++) this.stages[i].onShortTick();
      if (now - this.lastTick < TICK_NANOS) return;
    }
    this.lastTick = now;
    vmMemory!.raise(<u64>memory.size() * PAGE_BYTES);
    version!.beat();
    for (let i = 0; i < this.stageCount; i++) this.stages[i].onTick();
  }
}

function tasksOf(taskids: string[]): NameTable<Bytes> | null {
  if (taskids.length == 0) return null;
  const tasks = new NameTable<Bytes>();
  for (let i = 0; i < taskids.length; i++) {
    tasks.add(bytes(taskids[i]), propertyPath(`${FILTERS_BEHIND}.`, taskids[i]));
  }
  return tasks;
}
