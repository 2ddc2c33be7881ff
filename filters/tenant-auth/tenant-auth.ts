import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { CONTENT_LENGTH } from "../sdk/bytes/header-names";
import { REQUEST_BODY, REQUEST_HEADERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { bufferData, readBuffer } from "../sdk/host/body";
import { coarseSeconds } from "../sdk/host/clock";
import { requestCollection } from "../sdk/host/collection";
import { removeHeader, setHeader } from "../sdk/host/headers";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { SHA256_SIZE, sha256 } from "./crypto/sha256";
import { Identity } from "./identity";
import { checkToken, looksLikeToken, token } from "./jwt/token";
import { Mode } from "./mode";
import { findByCertificate } from "./mtls";
import { Decision } from "./permissions";
import { Presentation, Presented } from "./presented";
import { readConfig } from "./read-config";
import { Registry, writeSubject } from "./registry";
import { forgetAll, recall, remember } from "./remembered";
import * as reply from "./replies";
import { BodyDigest, takeBodyDigest } from "./signature/body-digest";
import { checkSignature, signedDigest, signer } from "./signature/check-signature";
import { matchesTask } from "./task-pattern";

/** Larger tokens are refused unread. */
const LARGEST_TOKEN: i32 = 16 * 1024;

const JTI_PREFIX = bytes("jti:");

const digest: usize = memory.data(SHA256_SIZE, 8);
const presentation: Presentation = new Presentation();
const identity: Identity = new Identity();
const scratch: ByteBuffer = new ByteBuffer();

/** Tells the configurations of a VM apart in what they remember. */
let lastOwner: u64 = 0;

/** Credential -> tenant -> may it call this task and version? The credential goes no further than here. */
export class TenantAuth extends Stage {
  private registry: Registry = new Registry();
  private owner: u64 = 0;

  get key(): string {
    return "tenantAuth";
  }

  configure(config: Config): void {
    this.registry = readConfig(config);
    this.owner = ++lastOwner;
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
    identity.reset();
    presentation.read(http, registry);
    presentation.strip(http, registry);
    if (this.modeOf(http) == Mode.Off) return HeadersAction.CONTINUE;
    const refusal = this.decide(http, endOfStream);
    const mode = this.modeOf(http);
    if (refusal != null) {
      if (mode == Mode.Enforce) {
        http.refuse(refusal);
        return HeadersAction.STOP;
      }
      if (mode == Mode.DryRun) http.refuseDry(refusal);
    }
    const body = <BodyDigest | null>http.state(this.slot);
    if (body != null) {
      body.enforced = mode == Mode.Enforce;
      // A body of known length is complete with its last byte, before its digest is checked; one in chunks is not.
      if (body.enforced) removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);
    }
    const header = registry.tenantHeader;
    const principal = http.principal;
    if (header != null && principal != null) {
      setHeader(REQUEST_HEADERS, header, principal.tenant.ptr, principal.tenant.len);
    }
    return HeadersAction.CONTINUE;
  }

  /**
   * Mode of the task if it has one of its own; else the tenant's, once it is known; where all is not off or dry anyway. A
   * request that names several tasks gets no mode by naming the one that has it.
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

  private decide(http: HttpContext, endOfStream: bool): LocalReply | null {
    const registry = this.registry;
    const unproven = this.identify(http, endOfStream);
    if (unproven != null) return unproven;
    const credential = registry.credentials[identity.credential];
    const tenant = registry.tenants[credential.tenant];
    const now = coarseSeconds();
    if (!credential.enabled) return reply.CREDENTIAL_DISABLED;
    if (credential.notBefore > now) return reply.CREDENTIAL_NOT_YET_VALID;
    if (credential.notAfter < now) return reply.CREDENTIAL_EXPIRED;
    http.authenticated(credential.principal, registry.published);
    if (http.taskids == 0 || http.taskid.len == 0) return reply.TASK_MISSING;
    if (http.taskids > 1 || http.versions > 1) return reply.TASK_AMBIGUOUS;
    if (!credential.allowsMethod(http.method)) return reply.METHOD_FORBIDDEN;
    if (!credential.allowsHost(http.authority)) return reply.HOST_FORBIDDEN;
    if (!this.tokenAllows(http)) return reply.TASK_FORBIDDEN;
    const refusal = this.setAllows(tenant.permissions, http);
    if (refusal != null || credential.narrowed < 0) return refusal;
    return this.setAllows(credential.narrowed, http);
  }

  /** Sets `identity` to what the request's credential proves. */
  private identify(http: HttpContext, endOfStream: bool): LocalReply | null {
    const registry = this.registry;
    switch (presentation.kind) {
      case Presented.Several:
        return reply.CREDENTIAL_AMBIGUOUS;
      case Presented.Unknown:
        return reply.CREDENTIAL_UNKNOWN;
      case Presented.Secret:
        return this.identifySecret();
      case Presented.Signature:
        return this.identifySigner(http, endOfStream);
      default: {
        if (registry.certificateFields == 0) return reply.CREDENTIAL_MISSING;
        const found = findByCertificate(registry.certificates, registry.certificateFields);
        return found < 0 ? reply.CREDENTIAL_MISSING : this.accept(found);
      }
    }
  }

  /** Sets `identity` to a credential that was proven. @returns why it counts for nothing all the same */
  private accept(credential: i32): LocalReply | null {
    identity.credential = credential;
    const registry = this.registry;
    return registry.revocations.has(registry.credentials[credential].revocation.ptr)
      ? reply.CREDENTIAL_REVOKED
      : null;
  }

  private identifySecret(): LocalReply | null {
    const ptr = presentation.secret.ptr;
    const len = presentation.secret.len;
    if (len > LARGEST_TOKEN) return reply.TOKEN_TOO_LARGE;
    // A token is none in the header of a key, and the other way round, however well it is remembered.
    const owner = (this.owner << 1) | u64(presentation.bearer);
    if (recall(ptr, len, owner, coarseSeconds(), identity)) return null;
    const isToken = presentation.bearer && this.registry.issuers.length > 0 && looksLikeToken(ptr, len);
    const refusal = isToken ? this.identifyToken(ptr, len) : this.identifyKey(ptr, len);
    if (refusal == null) remember(ptr, len, owner, identity);
    return refusal;
  }

  private identifyKey(ptr: usize, len: i32): LocalReply | null {
    sha256(ptr, len, digest);
    const found = this.registry.keys.find(digest);
    if (found < 0) return reply.CREDENTIAL_UNKNOWN;
    return this.registry.revocations.has(digest) ? reply.CREDENTIAL_REVOKED : this.accept(found);
  }

  private identifyToken(ptr: usize, len: i32): LocalReply | null {
    const registry = this.registry;
    const refusal = checkToken(registry.issuers, ptr, len, coarseSeconds());
    if (refusal != null) return refusal;
    const issuer = registry.issuers[token.issuer];
    let tenant = -1;
    if (issuer.tenantClaim != null) {
      tenant = registry.tenantsByName.findOr(token.tenant.ptr, token.tenant.len, -1);
      if (tenant < 0) return reply.CREDENTIAL_UNKNOWN;
    }
    writeSubject(scratch, token.issuer, tenant, token.subject.ptr, token.subject.len);
    let found = registry.subjects.findOr(scratch.ptr, scratch.len, -1);
    if (found < 0) found = registry.subjects.findOr(scratch.ptr, scratch.len - token.subject.len, -1);
    if (found < 0) return reply.CREDENTIAL_UNKNOWN;
    if (token.jti.len > 0) {
      scratch.clear();
      scratch.appendBytes(JTI_PREFIX);
      scratch.appendBytes(issuer.name);
      scratch.appendByte(Char.LF);
      scratch.append(token.jti.ptr, token.jti.len);
      sha256(scratch.ptr, scratch.len, digest);
      if (registry.revocations.has(digest)) return reply.TOKEN_REVOKED;
    }
    identity.expires = token.expires;
    identity.tasks = token.tasks.ptr;
    identity.tasksLen = token.tasks.len;
    return this.accept(found);
  }

  private identifySigner(http: HttpContext, endOfStream: bool): LocalReply | null {
    const input = presentation.signatureInput;
    const refusal = checkSignature(
      this.registry,
      http,
      input,
      presentation.signature,
      endOfStream,
      coarseSeconds(),
    );
    if (refusal != null) return refusal;
    if (signedDigest != 0) {
      const body = takeBodyDigest(signedDigest);
      if (!endOfStream) http.setState(this.slot, body);
      else {
        const matches = body.matches();
        body.release();
        if (!matches) return reply.DIGEST_WRONG;
      }
    }
    return this.accept(signer);
  }

  private tokenAllows(http: HttpContext): bool {
    const end = identity.tasks + identity.tasksLen;
    for (let at = identity.tasks; at < end; at += 1 + load<u8>(at)) {
      if (matchesTask(at + 1, load<u8>(at), http.taskid.ptr, http.taskid.len)) return true;
    }
    return identity.tasksLen == 0;
  }

  private setAllows(set: i32, http: HttpContext): LocalReply | null {
    const task = http.taskid;
    const version = http.version;
    const decision = this.registry.permissions.decide(set, task.ptr, task.len, version.ptr, version.len);
    if (decision == Decision.TaskForbidden) return reply.TASK_FORBIDDEN;
    return decision == Decision.VersionForbidden ? reply.VERSION_FORBIDDEN : null;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const body = <BodyDigest | null>http.state(this.slot);
    if (body == null) return BodyAction.CONTINUE;
    const len = readBuffer(REQUEST_BODY, 0, size);
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

/** The body is whole: refuses a request whose body is not the one that was signed. @returns whether it may go on */
function acceptBody(http: HttpContext, body: BodyDigest): bool {
  if (body.matches()) return true;
  if (body.enforced) http.refuse(reply.DIGEST_WRONG);
  else http.refuseDry(reply.DIGEST_WRONG);
  return !body.enforced;
}
