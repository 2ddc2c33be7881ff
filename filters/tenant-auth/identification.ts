import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { coarseSeconds } from "../sdk/host/clock";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { SHA256_SIZE, sha256 } from "./crypto/sha256";
import { Identity } from "./identity";
import { checkToken, looksLikeToken } from "./jwt/token";
import { TokenClaims } from "./jwt/token-claims";
import { findByCertificate } from "./mtls";
import { Presentation, Presented } from "./presented";
import { Registry, writeSubject } from "./registry";
import { recall, remember } from "./remembered";
import * as reply from "./replies";
import { takeBodyDigest } from "./signature/body-digest";
import { checkSignature, SignatureProof } from "./signature/check-signature";

/** Larger tokens are refused unread. */
const LARGEST_TOKEN: i32 = 16 * 1024;

const JTI_PREFIX = bytes("jti:");

const digest: usize = memory.data(SHA256_SIZE, 8);
const scratch: ByteBuffer = new ByteBuffer();
const claims: TokenClaims = new TokenClaims();
const proof: SignatureProof = new SignatureProof();

/** Which credential of a configuration does a request prove? */
export class Identification {
  /**
   * @param owner tells the configurations of a VM apart in what they remember
   * @param slot where the digest of a signed body goes in a stream's state
   */
  constructor(
    private readonly registry: Registry,
    private readonly owner: u64,
    private readonly slot: i32,
  ) {}

  /** Sets `identity` to what the request's credential proves. @returns null, else why it proves nothing */
  identify(
    http: HttpContext,
    presentation: Presentation,
    endOfStream: bool,
    identity: Identity,
  ): LocalReply | null {
    const registry = this.registry;
    switch (presentation.kind) {
      case Presented.Several:
        return reply.CREDENTIAL_AMBIGUOUS;
      case Presented.Unknown:
        return reply.CREDENTIAL_UNKNOWN;
      case Presented.Secret:
        return this.bySecret(presentation, identity);
      case Presented.Signature:
        return this.bySignature(http, presentation, endOfStream, identity);
      default: {
        if (registry.certificateFields == 0) return reply.CREDENTIAL_MISSING;
        const found = findByCertificate(registry.certificates, registry.certificateFields);
        return found < 0 ? reply.CREDENTIAL_MISSING : this.accept(found, identity);
      }
    }
  }

  /** Sets `identity` to a credential that was proven. @returns why it counts for nothing all the same */
  private accept(credential: i32, identity: Identity): LocalReply | null {
    identity.credential = credential;
    const registry = this.registry;
    return registry.revocations.has(registry.credentials[credential].revocation.ptr)
      ? reply.CREDENTIAL_REVOKED
      : null;
  }

  private bySecret(presentation: Presentation, identity: Identity): LocalReply | null {
    const ptr = presentation.secret.ptr;
    const len = presentation.secret.len;
    if (len > LARGEST_TOKEN) return reply.TOKEN_TOO_LARGE;
    // A token is none in the header of a key, and the other way round, however well it is remembered.
    const owner = (this.owner << 1) | u64(presentation.bearer);
    if (recall(ptr, len, owner, coarseSeconds(), identity)) return null;
    const isToken = presentation.bearer && this.registry.issuers.length > 0 && looksLikeToken(ptr, len);
    const refusal = isToken ? this.byToken(ptr, len, identity) : this.byKey(ptr, len, identity);
    if (refusal == null) remember(ptr, len, owner, identity);
    return refusal;
  }

  private byKey(ptr: usize, len: i32, identity: Identity): LocalReply | null {
    sha256(ptr, len, digest);
    const found = this.registry.keys.find(digest);
    if (found < 0) return reply.CREDENTIAL_UNKNOWN;
    return this.registry.revocations.has(digest) ? reply.CREDENTIAL_REVOKED : this.accept(found, identity);
  }

  private byToken(ptr: usize, len: i32, identity: Identity): LocalReply | null {
    const registry = this.registry;
    const refusal = checkToken(registry.issuers, ptr, len, coarseSeconds(), claims);
    if (refusal != null) return refusal;
    const issuer = registry.issuers[claims.issuer];
    let tenant = -1;
    if (issuer.tenantClaim != null) {
      tenant = registry.tenantsByName.findOr(claims.tenant.ptr, claims.tenant.len, -1);
      if (tenant < 0) return reply.CREDENTIAL_UNKNOWN;
    }
    const subject = claims.subject;
    writeSubject(scratch, claims.issuer, tenant, subject.ptr, subject.len);
    let found = registry.subjects.findOr(scratch.ptr, scratch.len, -1);
    if (found < 0) found = registry.subjects.findOr(scratch.ptr, scratch.len - subject.len, -1);
    if (found < 0) return reply.CREDENTIAL_UNKNOWN;
    if (claims.jti.len > 0) {
      scratch.clear();
      scratch.appendBytes(JTI_PREFIX);
      scratch.appendBytes(issuer.name);
      scratch.appendByte(Char.LF);
      scratch.append(claims.jti.ptr, claims.jti.len);
      sha256(scratch.ptr, scratch.len, digest);
      if (registry.revocations.has(digest)) return reply.TOKEN_REVOKED;
    }
    identity.expires = claims.expires;
    identity.tasks = claims.tasks.ptr;
    identity.tasksLen = claims.tasks.len;
    return this.accept(found, identity);
  }

  private bySignature(
    http: HttpContext,
    presentation: Presentation,
    endOfStream: bool,
    identity: Identity,
  ): LocalReply | null {
    const refusal = checkSignature(this.registry, http, presentation, endOfStream, coarseSeconds(), proof);
    if (refusal != null) return refusal;
    if (proof.digest != 0) {
      const body = takeBodyDigest(proof.digest);
      if (!endOfStream) http.setState(this.slot, body);
      else {
        const matches = body.matches();
        body.release();
        if (!matches) return reply.DIGEST_WRONG;
      }
    }
    return this.accept(proof.signer, identity);
  }
}
