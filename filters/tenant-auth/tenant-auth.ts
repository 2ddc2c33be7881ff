import { Action, CONTINUE, REQUEST_HEADERS, STOP } from "../sdk/abi";
import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes";
import { Config } from "../sdk/config";
import { removeHeader, Slice } from "../sdk/headers";
import { HttpContext } from "../sdk/http-context";
import { LocalReply } from "../sdk/local-reply";
import { Stage } from "../sdk/stage";
import { CredentialTable, parseHexDigest } from "./credentials";
import { Decision, PermissionTable } from "./permissions";
import { SHA256_SIZE, sha256 } from "./sha256";

const AUTHORIZATION = bytes("authorization");
const BEARER = bytes("bearer ");
const API_KEY = bytes("x-api-key");

const CREDENTIAL_MISSING = new LocalReply(401, 16, "credential_missing", "an API key is required").withHeader(
  "www-authenticate",
  'Bearer realm="modelgate"',
);
const CREDENTIAL_UNKNOWN = new LocalReply(
  401,
  16,
  "credential_unknown",
  "the API key is not valid",
).withHeader("www-authenticate", 'Bearer realm="modelgate", error="invalid_token"');
const CREDENTIAL_AMBIGUOUS = new LocalReply(400, 3, "credential_ambiguous", "send one API key, not several");
const TASK_MISSING = new LocalReply(400, 3, "task_missing", "the header taskid is required");
const TASK_AMBIGUOUS = new LocalReply(400, 3, "task_ambiguous", "send one taskid and at most one version");
const TASK_FORBIDDEN = new LocalReply(403, 7, "task_forbidden", "the tenant may not call this task");
const VERSION_FORBIDDEN = new LocalReply(403, 7, "version_forbidden", "the tenant may not call this version");

const digest: usize = memory.data(SHA256_SIZE);
const value: Slice = new Slice();

/** API key -> tenant -> may it call this task and version? The key goes no further than here. */
export class TenantAuth extends Stage {
  private keyHeader: Bytes = API_KEY;
  private tenants: Bytes[] = [];
  private credentials: CredentialTable = new CredentialTable(0);
  /** By index of the credential: its id and the index of its tenant. */
  private ids: Bytes[] = [];
  private owners: i32[] = [];
  private permissions: PermissionTable = new PermissionTable(0);

  get key(): string {
    return "tenantAuth";
  }

  configure(config: Config): void {
    if (config.has("keyHeader")) this.keyHeader = bytes(config.text("keyHeader").toLowerCase());
    const tenants = config.objects("tenants");
    const credentials: Config[][] = [];
    const tasks: Config[][] = [];
    let credentialCount = 0;
    let taskCount = 0;
    for (let i = 0; i < tenants.length; i++) {
      const tenant = tenants[i];
      this.tenants.push(bytes(tenant.text("tenant")));
      credentials.push(tenant.objects("credentials"));
      tasks.push(tenant.objects("tasks"));
      tenant.finish();
      credentialCount += credentials[i].length;
      taskCount += tasks[i].length;
    }
    this.credentials = new CredentialTable(credentialCount);
    this.permissions = new PermissionTable(taskCount);
    for (let i = 0; i < tenants.length; i++) {
      for (let c = 0; c < credentials[i].length; c++) this.addCredential(i, credentials[i][c]);
      for (let t = 0; t < tasks[i].length; t++) this.addTask(i, tasks[i][t]);
    }
  }

  private addCredential(tenant: i32, config: Config): void {
    this.ids.push(bytes(config.text("id")));
    this.owners.push(tenant);
    const hash = config.text("sha256");
    if (!parseHexDigest(hash, digest)) config.fault("sha256", "must be 64 hexadecimal digits");
    else if (!this.credentials.add(digest, this.ids.length - 1))
      config.fault("sha256", "is used by another credential");
    config.finish();
  }

  private addTask(tenant: i32, config: Config): void {
    const names = config.texts("versions");
    const versions: Bytes[] = [];
    for (let i = 0; i < names.length; i++) versions.push(bytes(names[i]));
    this.permissions.add(tenant, bytes(config.text("taskid")), versions);
    config.finish();
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    const headers = http.headers;
    const keys = headers.find(this.keyHeader, value);
    let key = value.ptr;
    let len = value.len;
    const authorizations = headers.find(AUTHORIZATION, value);
    if (keys + authorizations == 0) return this.refuse(http, CREDENTIAL_MISSING);
    if (keys + authorizations > 1) return this.refuse(http, CREDENTIAL_AMBIGUOUS);
    if (authorizations == 1) {
      if (!startsWithIgnoreCase(value.ptr, value.len, BEARER)) return this.refuse(http, CREDENTIAL_UNKNOWN);
      key = value.ptr + BEARER.len;
      len = value.len - BEARER.len;
    }
    sha256(key, len, digest);
    const credential = this.credentials.find(digest);
    if (credential < 0) return this.refuse(http, CREDENTIAL_UNKNOWN);
    const tenant = this.owners[credential];
    http.authenticated(this.tenants[tenant], this.ids[credential]);
    if (http.taskids == 0) return this.refuse(http, TASK_MISSING);
    if (http.taskids > 1 || http.versions > 1) return this.refuse(http, TASK_AMBIGUOUS);

    const taskid = http.taskid;
    const version = http.version;
    const decision = this.permissions.decide(tenant, taskid.ptr, taskid.len, version.ptr, version.len);
    if (decision == Decision.TaskForbidden) return this.refuse(http, TASK_FORBIDDEN);
    if (decision == Decision.VersionForbidden) return this.refuse(http, VERSION_FORBIDDEN);

    removeHeader(REQUEST_HEADERS, keys == 1 ? this.keyHeader : AUTHORIZATION);
    return CONTINUE;
  }

  private refuse(http: HttpContext, reply: LocalReply): Action {
    http.refuse(reply);
    return STOP;
  }
}
