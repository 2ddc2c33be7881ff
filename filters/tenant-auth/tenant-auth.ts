import { NOT_PASSED } from "../model-protocol/common-replies";
import { Access, accessOf } from "../model-protocol/server-methods";
import { CONTENT_LENGTH } from "../sdk/bytes/header-names";
import { REQUEST_BODY, REQUEST_HEADERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { bufferData, readBuffer } from "../sdk/host/body";
import { coarseSeconds } from "../sdk/host/clock";
import { requestCollection } from "../sdk/host/collection";
import { removeHeader, setHeader } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply, sendJson } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { Identification } from "./identification";
import { Identity } from "./identity";
import { LanguageModel } from "./language-models/language-model";
import { LanguageModels } from "./language-models/language-models";
import { ModelList } from "./language-models/list";
import { MODEL_NOT_FOUND } from "./language-models/replies";
import { Mode } from "./mode";
import { Decision } from "./permissions";
import { Presentation } from "./presented";
import { PublicPath } from "./public-path";
import { readConfig } from "./read-config";
import { Registry } from "./registry";
import { forgetAll } from "./remembered";
import * as reply from "./replies";
import { BodyDigest } from "./signature/body-digest";
import { matchesTask } from "./task-pattern";

const presentation: Presentation = new Presentation();
const identity: Identity = new Identity();
const list: ModelList = new ModelList();

/** Tells the configurations of a VM apart in what they remember. */
let lastOwner: u64 = 0;

/** Credential -> tenant -> may it call this task and version? The credential goes no further than here. */
export class TenantAuth extends Stage {
  private registry: Registry = new Registry();
  private identification: Identification = new Identification(this.registry, 0, 0);

  get key(): string {
    return "tenantAuth";
  }

  configure(config: Config): void {
    this.registry = readConfig(config);
    this.identification = new Identification(this.registry, ++lastOwner, this.slot);
    this.refresh();
  }

  onTick(): void {
    this.refresh();
    const issuers = this.registry.issuers;
    for (let i = 0; i < issuers.length; i++) {
      const source = issuers[i].source;
      if (source != null) source.fetchIfDue();
    }
  }

  onDelete(): void {
    const issuers = this.registry.issuers;
    for (let i = 0; i < issuers.length; i++) {
      const source = issuers[i].source;
      if (source != null) source.stop();
    }
  }

  /** Takes over revocations and fetched keys. */
  private refresh(): void {
    const registry = this.registry;
    let changed = registry.revocations.refresh();
    for (let i = 0; i < registry.issuers.length; i++) {
      const source = registry.issuers[i].source;
      if (source != null && source.refresh()) changed = true;
    }
    if (!changed) return;
    forgetAll();
    requestCollection();
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const registry = this.registry;
    const cors = registry.cors;
    if (cors != null && cors.onRequest(http)) return HeadersAction.STOP;
    identity.reset();
    presentation.read(http, registry);
    presentation.strip(http, registry);
    const models = registry.languageModels;
    let unnamed: LocalReply | null = null;
    if (models != null) unnamed = models.nameTask(http);
    const path = this.publicPathOf(http);
    if (path != null && path.answers(http)) return HeadersAction.STOP;
    if (path == null && this.modeOf(http) != Mode.Off) {
      const refusal = this.decide(http, endOfStream, unnamed);
      const mode = this.modeOf(http);
      if (refusal != null) {
        if (mode == Mode.Enforce) return refused(http, refusal);
        if (mode == Mode.DryRun) http.refuseDry(refusal);
      }
      this.prepareSigned(http, mode);
    }
    if (models != null) {
      // Without a task there is no route, whatever the mode.
      if (unnamed != null) return refused(http, unnamed);
      if (models.isQuestion) return this.answerModels(http, models);
      const locked = models.makeUpstream(http);
      if (locked != null) return refused(http, locked);
    }
    http.pass();
    return HeadersAction.CONTINUE;
  }

  /** A request goes on, perhaps with a body that is yet to be checked, and with its tenant's name. */
  private prepareSigned(http: HttpContext, mode: Mode): void {
    const body = <BodyDigest | null>http.state(this.slot);
    if (body != null) {
      body.enforced = mode == Mode.Enforce;
      // A body of known length is complete with its last byte, before its digest is checked; one in chunks is
      // not.
      if (body.enforced) removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);
    }
    const header = this.registry.tenantHeader;
    const principal = http.principal;
    if (header != null && principal != null) {
      setHeader(REQUEST_HEADERS, header, principal.tenant.ptr, principal.tenant.len);
    }
  }

  /** Answers which models the credential may call; where no credential is asked for, all. */
  private answerModels(http: HttpContext, models: LanguageModels): HeadersAction {
    const asksOne = models.asksOne(http);
    const one = asksOne ? models.asked : null;
    const all = models.all;
    list.start();
    let found = false;
    for (let i = 0; i < all.length; i++) {
      const model = all[i];
      if (!this.mayCall(http, model)) continue;
      if (model == one) found = true;
      for (let n = 0; n < model.names.length; n++) list.add(model.names[n]);
    }
    list.end();
    if (asksOne && !found) return refused(http, MODEL_NOT_FOUND);
    if (asksOne) list.one(models.askedName);
    http.replied = true;
    sendJson(HttpStatus.OK, list.json.ptr, list.json.len, http.crossOrigin, http.origin);
    return HeadersAction.STOP;
  }

  private mayCall(http: HttpContext, model: LanguageModel): bool {
    if (identity.credential < 0) return true;
    const registry = this.registry;
    const credential = registry.credentials[identity.credential];
    const task = http.taskid;
    task.ptr = model.taskid.ptr;
    task.len = model.taskid.len;
    const permissions = registry.tenants[credential.tenant].permissions;
    const may =
      this.tokenAllows(http) && this.setsAllow(permissions, credential.narrowed, http, false) == null;
    task.len = 0;
    return may;
  }

  private publicPathOf(http: HttpContext): PublicPath | null {
    const paths = this.registry.publicPaths;
    for (let i = 0; i < paths.length; i++) if (paths[i].admits(http)) return paths[i];
    return null;
  }

  /**
   * Mode of the task if it has one of its own; else the tenant's, once it is known; where all is not off or
   * dry anyway. A request that names several tasks gets no mode by naming the one that has it.
   */
  private modeOf(http: HttpContext): Mode {
    const registry = this.registry;
    if (registry.hasTaskModes) {
      if (http.taskids > 1) return Mode.Enforce;
      const ofTask = registry.taskModes.findOr(http.taskid.ptr, http.taskid.len, -1);
      if (ofTask >= 0) return <Mode>ofTask;
    }
    if (registry.mode != Mode.Enforce || identity.credential < 0) return registry.mode;
    return registry.tenants[registry.credentials[identity.credential].tenant].mode;
  }

  /** @param unnamed why the request is for no task, if it is a call to OpenAI's API */
  private decide(http: HttpContext, endOfStream: bool, unnamed: LocalReply | null): LocalReply | null {
    const registry = this.registry;
    const unproven = this.identification.identify(http, presentation, endOfStream, identity);
    if (unproven != null) return unproven;
    const credential = registry.credentials[identity.credential];
    const tenant = registry.tenants[credential.tenant];
    const now = coarseSeconds();
    if (!credential.enabled) return reply.CREDENTIAL_DISABLED;
    if (credential.notBefore > now) return reply.CREDENTIAL_NOT_YET_VALID;
    if (credential.notAfter < now) return reply.CREDENTIAL_EXPIRED;
    http.authenticated(credential.principal, registry.published);
    if (unnamed != null) return unnamed;
    const models = registry.languageModels;
    const asksModels = models != null && models.isQuestion;
    if (!asksModels && (http.taskids == 0 || http.taskid.len == 0)) return reply.TASK_MISSING;
    if (http.taskids > 1 || http.versions > 1) return reply.TASK_AMBIGUOUS;
    if (!credential.allowsMethod(http.method)) return reply.METHOD_FORBIDDEN;
    if (!credential.allowsHost(http.authority)) return reply.HOST_FORBIDDEN;
    if (asksModels) return null;
    if (!this.tokenAllows(http)) return reply.TASK_FORBIDDEN;
    const refusal = this.setsAllow(tenant.permissions, credential.narrowed, http, false);
    if (refusal != null) return refusal;
    const access = accessOf(http.path);
    if (access == Access.Model) return null;
    if (access == Access.Management) return NOT_PASSED;
    const allowed = this.setsAllow(tenant.permissions, credential.narrowed, http, true) == null;
    return allowed ? null : reply.INSPECTION_FORBIDDEN;
  }

  /** Does the tenant's set allow the call, and the credential's if it has one? */
  private setsAllow(tenant: i32, credential: i32, http: HttpContext, inspecting: bool): LocalReply | null {
    const refusal = this.setAllows(tenant, http, inspecting);
    return refusal != null || credential < 0 ? refusal : this.setAllows(credential, http, inspecting);
  }

  private tokenAllows(http: HttpContext): bool {
    const end = identity.tasks + identity.tasksLen;
    for (let at = identity.tasks; at < end; at += 1 + load<u8>(at)) {
      if (matchesTask(at + 1, load<u8>(at), http.taskid.ptr, http.taskid.len)) return true;
    }
    return identity.tasksLen == 0;
  }

  private setAllows(set: i32, http: HttpContext, inspecting: bool): LocalReply | null {
    const task = http.taskid;
    const version = http.version;
    const permissions = this.registry.permissions;
    const decision = permissions.decide(set, task.ptr, task.len, version.ptr, version.len, inspecting);
    if (decision == Decision.TaskForbidden) return reply.TASK_FORBIDDEN;
    return decision == Decision.VersionForbidden ? reply.VERSION_FORBIDDEN : null;
  }

  onResponseHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    const crossOrigin = http.crossOrigin;
    if (crossOrigin != null) crossOrigin.set(http.origin);
    return HeadersAction.CONTINUE;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const body = <BodyDigest | null>http.state(this.slot);
    if (body == null) return BodyAction.CONTINUE;
    const len = readBuffer(REQUEST_BODY, http.heldBytes, size - http.heldBytes);
    body.add(bufferData(), len);
    return !endOfStream || acceptBody(http, body) ? BodyAction.CONTINUE : BodyAction.STOP_NO_BUFFER;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    const body = <BodyDigest | null>http.state(this.slot);
    return body == null || acceptBody(http, body) ? TrailersAction.CONTINUE : TrailersAction.STOP;
  }

  onDone(http: HttpContext): void {
    (<BodyDigest>http.state(this.slot)).release();
  }
}

function refused(http: HttpContext, refusal: LocalReply): HeadersAction {
  http.refuse(refusal);
  return HeadersAction.STOP;
}

/**
 * The body is whole: refuses a request whose body is not the one that was signed.
 * @returns whether it may go on
 */
function acceptBody(http: HttpContext, body: BodyDigest): bool {
  if (body.matches()) return true;
  if (body.enforced) http.refuse(reply.DIGEST_WRONG);
  else http.refuseDry(reply.DIGEST_WRONG);
  return !body.enforced;
}
