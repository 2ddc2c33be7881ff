import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, copyBytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { LogLevel, log } from "../sdk/host/log";
import { openSecret, readSealed } from "../sdk/host/sealed-secret";
import { Config } from "../sdk/pipeline/config";
import { Principal } from "../sdk/pipeline/principal";
import { bytesOf, lower, nameOf } from "./config-texts";
import { Credential } from "./credential";
import { appendBase64 } from "./crypto/base64";
import { SHA256_SIZE, sha256 } from "./crypto/sha256";
import { parseHexDigest } from "./digest-table";
import { CERTIFICATE_FIELDS, certificateKey } from "./mtls";
import { addGrants } from "./read-grants";
import { Registry, writeSubject } from "./registry";

/** RFC 2104 advises a key of at least the size of the hash. */
const SECRET_MIN_BYTES: i32 = 32;

const digest: usize = memory.data(SHA256_SIZE, 8);
const buffer: ByteBuffer = new ByteBuffer();

/** Reads credentials into a registry that knows the tenants and issuers already. */
export class CredentialReader {
  /** @param sets number of the next set of permissions */
  constructor(
    private readonly registry: Registry,
    private sets: i32,
  ) {}

  /** Adds one of the `credentials` of the tenant with this index. */
  read(tenant: i32, config: Config): void {
    const registry = this.registry;
    const index = registry.credentials.length;
    const name = registry.tenants[tenant].name;
    const id = bytes(nameOf(config, "id"));
    const credential = new Credential(new Principal(name, id), tenant, revocationOf(name, id));
    registry.credentials.push(credential);
    credential.enabled = config.flag("enabled", true);
    credential.notBefore = config.instant("notBefore", 0);
    credential.notAfter = config.instant("notAfter", i64.MAX_VALUE);
    credential.methods = bytesOf(config.texts("methods"));
    const hosts = config.texts("hosts");
    for (let i = 0; i < hosts.length; i++) {
      if (hosts[i].startsWith("*") && !hosts[i].startsWith("*."))
        config.fault(`hosts[${i.toString()}]`, "must be a host or `*.` and a suffix");
      credential.hosts.push(lower(hosts[i]));
    }
    if (config.has("tasks")) {
      credential.narrowed = this.sets++;
      addGrants(registry.permissions, credential.narrowed, config.objects("tasks"));
    }
    this.readProof(index, credential, config);
    config.finish();
  }

  /** What proves the credential: exactly one of four. */
  private readProof(index: i32, credential: Credential, config: Config): void {
    const kinds =
      i32(config.has("sha256")) +
      i32(config.has("secret")) +
      i32(config.has("sealedSecret")) +
      i32(config.has("certificate")) +
      i32(config.has("token"));
    if (kinds != 1) config.fault("", "needs exactly one of sha256, secret, sealedSecret, certificate, token");
    if (config.has("sha256")) {
      if (!parseHexDigest(config.text("sha256"), digest))
        config.fault("sha256", "must be 64 hexadecimal digits");
      else if (!this.registry.keys.add(digest, index))
        config.fault("sha256", "is used by another credential");
    }
    if (config.has("secret")) this.readSecret(index, credential, config);
    if (config.has("sealedSecret")) this.readSealedSecret(index, credential, config);
    const certificate = config.object("certificate");
    if (certificate != null) this.readCertificate(index, certificate);
    const token = config.object("token");
    if (token != null) this.readToken(index, credential.tenant, token);
  }

  private readSecret(index: i32, credential: Credential, config: Config): void {
    const text = bytes(config.text("secret"));
    buffer.clear();
    if (!appendBase64(buffer, text.ptr, text.len)) config.fault("secret", "must be base64");
    else if (buffer.len < SECRET_MIN_BYTES) {
      config.fault("secret", `must be at least ${SECRET_MIN_BYTES.toString()} bytes`);
    }
    credential.secret = copyBytes(buffer.ptr, buffer.len);
    memory.fill(buffer.ptr, 0, buffer.len);
    this.addSigner(index, credential, config);
  }

  /**
   * A secret that this pod has no key for shuts out its own signer and nobody else: a pod that is older than
   * the key serves on.
   */
  private readSealedSecret(index: i32, credential: Credential, config: Config): void {
    if (!readSealed(bytes(config.text("sealedSecret")))) {
      config.fault("sealedSecret", "must be hexadecimal: a nonce, a sealed secret and a tag");
      return;
    }
    writeKeyId(credential.principal.tenant, credential.principal.credential);
    const secret = openSecret(copyBytes(buffer.ptr, buffer.len));
    if (secret == null || secret.len < SECRET_MIN_BYTES) {
      log(
        LogLevel.Error,
        `credential ${config.text("id")} is refused: its sealedSecret can't be opened with the pod's MODELGATE_SEALING_KEY`,
      );
      return;
    }
    credential.secret = secret;
    this.addSigner(index, credential, config);
  }

  private addSigner(index: i32, credential: Credential, config: Config): void {
    writeKeyId(credential.principal.tenant, credential.principal.credential);
    const keyid = copyBytes(buffer.ptr, buffer.len);
    if (!this.registry.signers.add(keyid, index))
      config.fault("id", "is used by another signer of the tenant");
  }

  private readCertificate(index: i32, config: Config): void {
    let fields = 0;
    for (let i = 0; i < CERTIFICATE_FIELDS.length; i++) {
      const field = CERTIFICATE_FIELDS[i];
      if (!config.has(field)) continue;
      fields++;
      const text = config.text(field);
      if (field == "sha256" && !parseHexDigest(text, digest))
        config.fault(field, "must be 64 hexadecimal digits");
      const key = certificateKey(i, field == "sha256" ? text.toLowerCase() : text);
      if (!this.registry.certificates.add(key, index)) config.fault(field, "is used by another credential");
      this.registry.certificateFields |= 1 << i;
    }
    if (fields != 1) config.fault("", `needs exactly one of ${CERTIFICATE_FIELDS.join(", ")}`);
    config.finish();
  }

  private readToken(index: i32, tenant: i32, config: Config): void {
    const registry = this.registry;
    const name = bytes(config.text("issuer"));
    const subject = bytes(config.has("subject") ? config.text("subject") : "");
    const issuer = registry.findIssuer(name);
    if (issuer < 0) config.fault("issuer", "is not in issuers");
    else {
      const named = registry.issuers[issuer].tenantClaim != null;
      writeSubject(buffer, issuer, named ? tenant : -1, subject.ptr, subject.len);
      if (!registry.subjects.add(copyBytes(buffer.ptr, buffer.len), index)) {
        config.fault(
          "subject",
          "is that of another credential: give both a subject, " +
            "or the issuer a tenantClaim where tenants share it",
        );
      }
    }
    config.finish();
  }
}

/** `buffer` = `tenant/id`: the `keyid` of request signatures. */
function writeKeyId(tenant: Bytes, id: Bytes): void {
  buffer.clear();
  buffer.appendBytes(tenant);
  buffer.appendByte(Char.SLASH);
  buffer.appendBytes(id);
}

const ID_PREFIX = bytes("id:");

function revocationOf(tenant: Bytes, id: Bytes): Bytes {
  writeKeyId(tenant, id);
  const name = copyBytes(buffer.ptr, buffer.len);
  buffer.clear();
  buffer.appendBytes(ID_PREFIX);
  buffer.appendBytes(name);
  sha256(buffer.ptr, buffer.len, digest);
  return copyBytes(digest, SHA256_SIZE);
}
