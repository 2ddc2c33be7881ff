import { NameTable } from "../sdk/bytes/name-table";
import { Slice } from "../sdk/bytes/slice";
import { HeadersAction } from "../sdk/host/actions";
import { Config } from "../sdk/pipeline/config";
import { pluginOfStream } from "../sdk/pipeline/contexts";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { Admission, takeAdmission } from "./admission";
import { applyLimits } from "./apply-limits";
import { ControllerClient } from "./controller/controller-client";
import { KeyedLimit } from "./keyed-limit";
import { Mode } from "./limit";
import { readKeyed, readMode, readNamed } from "./limits-config";
import { NamedLimit } from "./named-limit";
import { forgetTime, now } from "./now";
import { Priority } from "./priority";
import { CREDENTIAL_LIMITED, TASK_BUSY, TASK_LIMITED, TENANT_LIMITED } from "./replies";
import { RequestLimits } from "./request-limits";
import { VmRegistry } from "./vm-registry";
import { WaitingLine } from "./waiting-line";

/** Without an adaptive limit the latency of one request in so many is measured, for the report. */
const SAMPLE: u32 = 16;

const name: Slice = new Slice();
const limits: RequestLimits = new RequestLimits();
/** What the present request is limited by. */
let task: NamedLimit | null = null;
let tenant: NamedLimit | null = null;
let credential: NamedLimit | null = null;
let permit: bool = false;

/**
 * Limits on what requests cost per task, tenant, credential, header value and path, and on a task's requests
 * in flight. A request passes when every limit that applies to it lets it.
 */
export class RateLimit extends Stage {
  private readonly registry: VmRegistry = new VmRegistry();
  private readonly tasks: NameTable<NamedLimit> = new NameTable<NamedLimit>();
  private readonly tenants: NameTable<NamedLimit> = new NameTable<NamedLimit>();
  private readonly credentials: NameTable<NamedLimit> = new NameTable<NamedLimit>();
  private keyed: KeyedLimit[] = [];
  private priority: Priority = new Priority();
  private mode: Mode = Mode.Enforce;
  private controller: ControllerClient | null = null;
  /** Version of the controller's limits that this VM has applied. */
  private applied: u32 = 0;
  private line: WaitingLine = new WaitingLine(0, 0);

  get key(): string {
    return "rateLimit";
  }

  configure(config: Config): void {
    const registry = this.registry;
    readNamed(this.tasks, config.objects("tasks"), "taskid", TASK_LIMITED, registry);
    readNamed(this.tenants, config.objects("tenants"), "tenant", TENANT_LIMITED, registry);
    readNamed(this.credentials, config.objects("credentials"), "credential", CREDENTIAL_LIMITED, registry);
    this.keyed = readKeyed(config.objects("descriptors"));
    if (this.keyed.length > RequestLimits.MOST_KEYED) config.fault("descriptors", "has room for 8");
    this.priority = Priority.read(config);
    this.mode = readMode(config);
    this.line = WaitingLine.read(config);
    const controller = config.object("controller");
    if (controller != null) this.controller = new ControllerClient(controller, registry);
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

  /** @returns the refusal; null when the request may pass, and has paid. */
  private decide(http: HttpContext, fromTheLine: bool): LocalReply | null {
    task = this.tasks.find(http.taskid.ptr, http.taskid.len);
    tenant = null;
    credential = null;
    permit = false;
    if (this.tenants.count > 0) {
      http.findTenant(name);
      tenant = this.tenants.find(name.ptr, name.len);
    }
    if (this.credentials.count > 0) {
      http.findCredential(name);
      credential = this.credentials.find(name.ptr, name.len);
    }
    limits.start(this.priority.reserveOf(http), this.priority.largestReserve, fromTheLine);
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
    if (refusal != null || task == null) return refusal;
    refusal = limits.pay(task!, http);
    if (refusal != null || task!.mode == Mode.Off) return refusal;
    const concurrency = task!.concurrency;
    if (concurrency == null || !concurrency.active) return null;
    permit = concurrency.enter();
    return permit ? null : limits.mayRefuse(task!.mode, TASK_BUSY, http);
  }

  /** Counts an admitted request, and remembers what is to be done when it ends. */
  private admit(http: HttpContext, waited: Admission | null): void {
    const ofTenant = tenant;
    if (ofTenant != null) ofTenant.counters.admitted++;
    const ofTask = task;
    const settle = this.guessed(http);
    const tracked = ofTask != null && (permit || this.controller != null);
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
    admission.permit = permit;
    if (ofTask != null) {
      ofTask.counters.inFlight++;
      const measured = permit && ofTask.concurrency!.adaptive;
      if (measured || ofTask.counters.admitted % SAMPLE == 1) admission.since = now();
    }
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
    else admission.finish(http);
    admission.release();
  }

  onTick(): void {
    forgetTime();
    this.registry.beat(now());
    this.share();
    const controller = this.controller;
    if (controller != null) controller.onTick(now(), this.tasks, this.tenants);
  }

  onDelete(): void {
    const controller = this.controller;
    if (controller != null) controller.stop();
  }

  /** Applies news from the controller, and gives back what this VM holds and does not use. */
  private share(): void {
    const controller = this.controller;
    if (controller != null) {
      this.applied = applyLimits(controller.store, this.applied, this.tasks, this.tenants, this.registry);
    }
    const vms = this.registry.live;
    shareAll(this.tasks, vms);
    shareAll(this.tenants, vms);
    shareAll(this.credentials, vms);
    for (let i = 0; i < this.keyed.length; i++) this.keyed[i].onTick(vms);
  }
}

function shareAll(table: NameTable<NamedLimit>, vms: i32): void {
  for (let i = 0; i < table.count; i++) table.values[i].onTick(vms);
}

/** Was the request charged less or more than its body will turn out to cost? */
function isGuess(limit: NamedLimit | null, http: HttpContext): bool {
  return limit != null && limit.active && limit.flatCost < 0 && limit.cost.guessed(http);
}
