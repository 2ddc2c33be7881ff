import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { TOKEN_AUDIENCE, TOKEN_CLAIMS, TOKEN_CLIENT, TOKEN_EXPIRED, TOKEN_NOT_YET_VALID } from "../replies";
import { Issuer } from "./issuer";

const ISS = bytes("iss");
const AUD = bytes("aud");
/** Of access tokens (RFC 9068, section 2.2). */
const CLIENT_ID = bytes("client_id");
const EXP = bytes("exp");
const NBF = bytes("nbf");
const JTI = bytes("jti");

/** Times beyond are as good as for ever; sums of smaller ones do not overflow. */
const LATEST_SECOND: f64 = 1e15;
const LONGEST_TASK: i32 = 255;

/** What a claim is of use for: each role has one claim, once. One claim may have several roles. */
enum Role {
  Expiry = 1,
  NotBefore = 2,
  Audience = 4,
  Tasks = 8,
  Subject = 16,
  Tenant = 32,
  Id = 64,
  Client = 128,
}

const json: JsonScanner = new JsonScanner();
const key: ByteBuffer = new ByteBuffer();
const text: ByteBuffer = new ByteBuffer();

/** What the claims of a token say (RFC 7519, section 4). One object, for one token after the other. */
export class TokenClaims {
  /** Index of the issuer, -1 for an unknown one. */
  issuer: i32 = -1;
  readonly subject: ByteBuffer = new ByteBuffer();
  readonly tenant: ByteBuffer = new ByteBuffer();
  readonly jti: ByteBuffer = new ByteBuffer();
  private readonly client: ByteBuffer = new ByteBuffer();
  /** (u8 length, pattern) one after the other; empty when the issuer has no such claim. */
  readonly tasks: ByteBuffer = new ByteBuffer();
  /** Seconds since 1970 from which on the token is refused, leeway included. */
  expires: i64 = i64.MAX_VALUE;

  /** Roles whose claim was read. */
  private seen: i32 = 0;
  private audienceMatches: bool = false;
  private notBefore: f64 = 0;
  private expiry: f64 = 0;

  /**
   * Finds the issuer, before anything of the token is trusted.
   * @returns false when [ptr, ptr + len) is no JSON object
   */
  findIssuer(issuers: Issuer[], ptr: usize, len: i32): bool {
    let seen = 0;
    this.issuer = -1;
    json.start(ptr, len);
    json.enterObject();
    while (json.nextMember(key)) {
      if (!is(ISS)) {
        json.skip();
        continue;
      }
      seen++;
      json.string(text);
      for (let i = 0; i < issuers.length; i++) {
        if (issuers[i].name.equals(text.ptr, text.len)) this.issuer = i;
      }
    }
    return json.done && seen <= 1;
  }

  /**
   * Reads the JSON [ptr, ptr + len), whose signature is good.
   * @param now seconds since 1970
   * @returns null when the issuer accepts the claims, else why not
   */
  read(issuer: Issuer, ptr: usize, len: i32, now: i64): LocalReply | null {
    this.seen = 0;
    this.audienceMatches = false;
    this.notBefore = 0;
    this.subject.clear();
    this.tenant.clear();
    this.jti.clear();
    this.client.clear();
    this.tasks.clear();
    json.start(ptr, len);
    json.enterObject();
    while (json.nextMember(key)) if (!this.readClaim(issuer)) return TOKEN_CLAIMS;
    if (json.failed) return TOKEN_CLAIMS;
    const expires = (this.seen & Role.Expiry) != 0;
    if (!expires && issuer.expiryRequired) return TOKEN_CLAIMS;
    if (issuer.tasksClaim != null && (this.seen & Role.Tasks) == 0) return TOKEN_CLAIMS;
    if (issuer.tenantClaim != null && this.tenant.len == 0) return TOKEN_CLAIMS;
    this.expires = expires ? seconds(this.expiry) + issuer.leeway : i64.MAX_VALUE;
    if (this.expires <= now) return TOKEN_EXPIRED;
    if (seconds(this.notBefore) - issuer.leeway > now) return TOKEN_NOT_YET_VALID;
    return this.isMeantFor(issuer);
  }

  /**
   * A token must be for one of the issuer's audiences or clients. Where the issuer checks its client, it may
   * say no audience.
   */
  private isMeantFor(issuer: Issuer): LocalReply | null {
    const clients = issuer.clientIds;
    if (clients.length > 0 && !isOneOf(clients, this.client)) return TOKEN_CLIENT;
    if (issuer.audiences.length == 0 || this.audienceMatches) return null;
    return clients.length > 0 && (this.seen & Role.Audience) == 0 ? null : TOKEN_AUDIENCE;
  }

  /**
   * Reads one claim's value. A claim may be of use in two roles, such as `sub` as tenant and as subject.
   * @returns false for a claim that came before or is of the wrong type: of two, readers of JSON take either
   */
  private readClaim(issuer: Issuer): bool {
    const roles = this.rolesOf(issuer);
    if ((this.seen & roles) != 0) return false;
    this.seen |= roles;
    if (roles == Role.Expiry) this.expiry = json.number();
    else if (roles == Role.NotBefore) this.notBefore = json.number();
    else if (roles == Role.Audience) this.readAudience(issuer.audiences);
    else if (roles == Role.Tasks) return this.readTasks();
    else if (roles == 0) json.skip();
    else {
      json.string(text);
      if ((roles & Role.Subject) != 0) keep(this.subject);
      if ((roles & Role.Tenant) != 0) keep(this.tenant);
      if ((roles & Role.Id) != 0) keep(this.jti);
      if ((roles & Role.Client) != 0) keep(this.client);
    }
    return !json.failed;
  }

  /** Those of the claim `key`; 0: it is of no use. */
  private rolesOf(issuer: Issuer): i32 {
    if (is(EXP)) return Role.Expiry;
    if (is(NBF)) return Role.NotBefore;
    if (is(AUD)) return Role.Audience;
    if (isClaim(issuer.tasksClaim)) return Role.Tasks;
    let roles = 0;
    if (isClaim(issuer.subjectClaim)) roles |= Role.Subject;
    if (isClaim(issuer.tenantClaim)) roles |= Role.Tenant;
    if (is(JTI)) roles |= Role.Id;
    if (issuer.clientIds.length > 0 && is(CLIENT_ID)) roles |= Role.Client;
    return roles;
  }

  private readAudience(wanted: Bytes[]): void {
    if (json.peek() != Char.OPEN_BRACKET) {
      json.string(text);
      this.matchAudience(wanted);
      return;
    }
    json.enterArray();
    while (json.nextElement()) {
      json.string(text);
      this.matchAudience(wanted);
    }
  }

  private matchAudience(wanted: Bytes[]): void {
    if (isOneOf(wanted, text)) this.audienceMatches = true;
  }

  /**
   * A list of strings, or one string with spaces between its words as `scope` has them (RFC 8693, section
   * 4.2).
   */
  private readTasks(): bool {
    if (json.peek() == Char.OPEN_BRACKET) {
      json.enterArray();
      while (json.nextElement()) {
        json.string(text);
        if (!this.keepTask(text.ptr, text.len)) return false;
      }
    } else {
      json.string(text);
      let from = text.ptr;
      const end = text.end;
      while (from < end) {
        let to = from;
        while (to < end && load<u8>(to) != Char.SPACE) to++;
        if (to > from && !this.keepTask(from, <i32>(to - from))) return false;
        from = to + 1;
      }
    }
    // A list of no task allows none, which is not the same as no list: an empty pattern matches no task.
    if (this.tasks.len == 0) this.tasks.appendByte(0);
    return !json.failed;
  }

  private keepTask(ptr: usize, len: i32): bool {
    if (len > LONGEST_TASK) return false;
    this.tasks.appendByte(<u8>len);
    this.tasks.append(ptr, len);
    return true;
  }
}

function is(name: Bytes): bool {
  return name.equals(key.ptr, key.len);
}

function isOneOf(all: Bytes[], value: ByteBuffer): bool {
  for (let i = 0; i < all.length; i++) if (all[i].equals(value.ptr, value.len)) return true;
  return false;
}

function isClaim(name: Bytes | null): bool {
  return name != null && is(name);
}

function keep(out: ByteBuffer): void {
  out.append(text.ptr, text.len);
}

/** Whole seconds. */
function seconds(time: f64): i64 {
  return <i64>Math.max(0, Math.min(time, LATEST_SECOND));
}
