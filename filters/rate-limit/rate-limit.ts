import { NameTable } from "../sdk/bytes/name-table";
import { Slice } from "../sdk/bytes/slice";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { Config } from "../sdk/pipeline/config";
import { pluginOfStream } from "../sdk/pipeline/contexts";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { Admission, isGuess, takeAdmission } from "./admission";
import { Arrival, beginEarly, beginWhole } from "./arrival";
import { ControllerClient } from "./controller/controller-client";
import { KeyedLimit } from "./keyed-limit";
import { Mode } from "./limit";
import { LimitTables } from "./limit-tables";
import { readKeyed, readMode, readNamed } from "./limits-config";
import { NamedLimit, shareAll } from "./named-limit";
import { forgetTime, now } from "./now";
import { OpenAiQuota } from "./openai-quota";
import { Priority } from "./priority";
import { setQuotaHeaders } from "./quota-headers";
import { CREDENTIAL_LIMITED, TASK_BUSY, TASK_LIMITED, TENANT_LIMITED } from "./replies";
import { RequestLimits } from "./request-limits";
import { SharedLimits } from "./shared-limits";
import { Shares } from "./shares";
import { WaitingLine } from "./waiting-line";

/** Without an adaptive limit the latency of one request in so many is measured, for the report. */
const SAMPLE: u32 = 16;

const requestQuota: OpenAiQuota = new OpenAiQuota("requests");
const name: Slice = new Slice();
const limits: RequestLimits = new RequestLimits();
/** What the present request is limited by. */
let task: NamedLimit | null = null;
let tenant: NamedLimit | null = null;
let credential: NamedLimit | null = null;
const arrival: Arrival = new Arrival();

/**
 * Limits on what requests cost per task, tenant, credential, header value and path, on a task's requests in
 * flight, and on a credential's part of them. A request passes when every limit that applies to it lets it.
 */
export class RateLimit extends Stage {
  /** This stage renews its registry of VMs. */
  readonly shared: SharedLimits = new SharedLimits();
  private readonly tables: LimitTables = this.shared.tables;
  private readonly tasks: NameTable<NamedLimit> = this.tables.tasks;
  private readonly tenants: NameTable<NamedLimit> = this.tables.tenants;
  private readonly credentials: NameTable<NamedLimit> = new NameTable<NamedLimit>();
  private keyed: KeyedLimit[] = [];
  private mode: Mode = Mode.Enforce;
  private controller: ControllerClient | null = null;
  private line: WaitingLine = new WaitingLine(0, 0);
  private shares: Shares = new Shares(this.tables.registry, 0, 0);

  get key(): string {
    return "rateLimit";
  }

  configure(config: Config): void {
    const registry = this.tables.registry;
    readNamed(this.tasks, config.objects("tasks"), "taskid", TASK_LIMITED, registry);
    readNamed(this.tenants, config.objects("tenants"), "tenant", TENANT_LIMITED, registry);
    readNamed(this.credentials, config.objects("credentials"), "credential", CREDENTIAL_LIMITED, registry);
    this.keyed = readKeyed(config.objects("descriptors"));
    if (this.keyed.length > RequestLimits.MOST_KEYED) config.fault("descriptors", "has room for 8");
    this.shared.priority = Priority.read(config);
    this.mode = readMode(config);
    this.shared.tellsQuotas = config.flag("headers", false);
    this.line = WaitingLine.read(config);
    this.shares = Shares.read(config, registry);
    const controller = config.object("controller");
    if (controller != null) {
      const client = new ControllerClient(controller, registry);
      this.controller = client;
      this.shared.store = client.store;
    }
    forgetTime();
    registry.beat(now());
    this.share();
  }

  onRequestHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    if (this.mode == Mode.Off) return HeadersAction.CONTINUE;
    forgetTime();
    const refusal = this.decide(http, false);
    if (refusal == null) {
      this.admit(http, null);
      return HeadersAction.CONTINUE;
    }
    if (!this.letWait(http)) this.refuse(http, refusal);
    return HeadersAction.STOP;
  }

  /** Sets what the present request is limited by. */
  private findLimits(http: HttpContext): void {
    task = this.tasks.find(http.taskid.ptr, http.taskid.len);
    tenant = null;
    credential = null;
    if (this.tenants.count > 0) {
      http.findTenant(name);
      tenant = this.tenants.find(name.ptr, name.len);
    }
    if (this.credentials.count > 0) {
      http.findCredential(name);
      credential = this.credentials.find(name.ptr, name.len);
    }
  }

  /** @returns the refusal; null when the request may pass, and has paid. */
  private decide(http: HttpContext, fromTheLine: bool): LocalReply | null {
    this.findLimits(http);
    arrival.start();
    const priority = this.shared.priority;
    limits.start(priority.reserveOf(http), priority.largestReserve, fromTheLine);
    const refusal = this.pay(http);
    if (refusal == null) return null;
    limits.refund();
    if (this.mode != Mode.DryRun) return refusal;
    http.refuseDry(refusal);
    return null;
  }

  private pay(http: HttpContext): LocalReply | null {
    let refusal: LocalReply | null = null;
    if (tenant != null) refusal = limits.pay(tenant!, http);
    if (refusal == null && credential != null) refusal = limits.pay(credential!, http);
    for (let i = 0; refusal == null && i < this.keyed.length; i++) {
      refusal = limits.payKeyed(unchecked(this.keyed[i]), http);
    }
    if (refusal == null && task != null) refusal = limits.pay(task!, http);
    return refusal == null ? arrival.enter(task, this.shares, limits, http) : refusal;
  }

  /** Counts an admitted request, and remembers what is to be done when it ends. */
  private admit(http: HttpContext, waited: Admission | null): void {
    const ofTenant = tenant;
    if (ofTenant != null) ofTenant.counters.admitted++;
    const ofTask = task;
    const settle = this.guessed(http);
    const capped = ofTask != null && ofTask.concurrency != null;
    const tracked = arrival.share != null || (ofTask != null && (capped || this.controller != null));
    if (ofTask != null) ofTask.counters.admitted++;
    if (!tracked && !settle) {
      if (waited != null) waited.release();
      http.setState(this.slot, null);
      return;
    }
    const admission = waited == null ? takeAdmission() : waited;
    admission.settle = settle;
    if (settle) {
      admission.tenant = ofTenant;
      admission.credential = credential;
    }
    admission.task = ofTask;
    admission.share = arrival.share;
    if (ofTask != null) {
      const adaptive = capped && ofTask.concurrency!.adaptive;
      admission.measured = adaptive || ofTask.counters.admitted % SAMPLE == 1;
    }
    if (http.endOfRequest) admission.begin(arrival.permit);
    http.setState(this.slot, admission);
  }

  private guessed(http: HttpContext): bool {
    return isGuess(task, http) || isGuess(tenant, http) || isGuess(credential, http);
  }

  private refuse(http: HttpContext, refusal: LocalReply): void {
    if (refusal == TASK_BUSY || (limits.refusedBy != null && limits.refusedBy == task)) {
      task!.counters.refused++;
    } else if (limits.refusedBy != null && limits.refusedBy == tenant) tenant!.counters.refused++;
    http.refuse(refusal);
  }

  /** Lets a request that lacks a token wait for it, if one comes in time and there is room. */
  private letWait(http: HttpContext): bool {
    const awaited = limits.refusedBy;
    if (awaited == null || !this.line.mayJoin(awaited)) return false;
    const admission = takeAdmission();
    admission.awaited = awaited;
    admission.deadline = this.line.join(http, awaited);
    http.setState(this.slot, admission);
    return true;
  }

  onRequestBody(http: HttpContext, _size: i32, endOfStream: bool): BodyAction {
    return !endOfStream || this.begins(http) ? BodyAction.CONTINUE : BodyAction.STOP_NO_BUFFER;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    return this.begins(http) ? TrailersAction.CONTINUE : TrailersAction.STOP;
  }

  onResponseHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    beginEarly(http, this.slot);
    if (this.mode != Mode.Off && (this.shared.tellsQuotas || http.replied)) this.tellQuotas(http);
    return HeadersAction.CONTINUE;
  }

  private tellQuotas(http: HttpContext): void {
    const toOpenAi = http.openAi && http.principal != null;
    if (http.replied && !toOpenAi) return;
    forgetTime();
    this.findLimits(http);
    if (!http.replied) setQuotaHeaders(tenant, credential, task);
    if (!toOpenAi) return;
    requestQuota.start();
    requestQuota.add(tenant);
    requestQuota.add(credential);
    requestQuota.add(task);
    requestQuota.tell();
  }

  private begins(http: HttpContext): bool {
    return beginWhole(http, this.slot, this.mode == Mode.DryRun);
  }

  onShortTick(): void {
    forgetTime();
    const line = this.line;
    for (let i: i32 = 0; i < line.length; ) {
      const http = line.at(i);
      const admission = changetype<Admission>(http.state(this.slot));
      http.enter();
      const refusal = this.decide(http, true);
      if (refusal != null && limits.refusedBy != null && now() < admission.deadline) {
        i++;
        continue;
      }
      line.leave(i, admission.awaited!);
      admission.awaited = null;
      if (refusal == null) {
        this.admit(http, admission);
        pluginOfStream(http).resume(http, this);
      } else {
        http.setState(this.slot, null);
        admission.release();
        this.refuse(http, refusal);
      }
    }
    line.calmDown();
  }

  onDone(http: HttpContext): void {
    const state = http.state(this.slot);
    if (state == null) return;
    const admission = changetype<Admission>(state);
    http.setState(this.slot, null);
    forgetTime();
    const awaited = admission.awaited;
    if (awaited != null) this.line.remove(http, awaited);
    else admission.finish(http, this.shares);
    admission.release();
  }

  onTick(): void {
    forgetTime();
    this.tables.registry.beat(now());
    this.share();
    const controller = this.controller;
    if (controller != null) controller.onTick(now(), this.tables);
  }

  onDelete(): void {
    const controller = this.controller;
    if (controller != null) controller.stop();
  }

  /** Applies news from the controller, and gives back what this VM holds and does not use. */
  private share(): void {
    this.shared.share();
    const vms = this.tables.registry.live;
    shareAll(this.credentials, vms);
    this.shares.onTick();
    for (let i = 0; i < this.keyed.length; i++) this.keyed[i].onTick(vms);
  }
}
