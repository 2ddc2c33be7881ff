import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, copyBytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { NameTable } from "../sdk/bytes/name-table";
import { Config } from "../sdk/pipeline/config";
import { Principal } from "../sdk/pipeline/principal";
import { Credential } from "./credential";
import { appendBase64 } from "./crypto/base64";
import { SHA256_SIZE, sha256 } from "./crypto/sha256";
import { DigestTable, parseHexDigest } from "./digest-table";
import { readIssuer } from "./jwt/read-issuer";
import { MODE_NAMES } from "./mode";
import { CERTIFICATE_FIELDS, certificateKey } from "./mtls";
import { LONGEST_PREFIX, Permissions } from "./permissions";
import { Registry, writeSubject } from "./registry";
import { Revocations } from "./revocations";
import { Tenant } from "./tenant";

/** RFC 2104 advises a key of at least the size of the hash. */
const SECRET_MIN_BYTES: i32 = 32;

const digest: usize = memory.data(SHA256_SIZE, 8);
const buffer: ByteBuffer = new ByteBuffer();

/** Reads the configuration of tenant-auth; what is wrong with it goes to `config.fault`. */
export function readConfig(config: Config): Registry {
  return new Reader(config).read();
}

class Reader {
  private readonly registry: Registry = new Registry();
  /** Number of the next set of permissions. */
  private sets: i32 = 0;

  constructor(private readonly config: Config) {}

  read(): Registry {
    const registry = this.registry;
    const config = this.config;
    registry.mode = config.choice("mode", MODE_NAMES);
    this.readApiKey(config.object("apiKey"));
    this.readSignature(config.object("signature"));
    if (config.has("tenantHeader")) registry.tenantHeader = lower(config.text("tenantHeader"));
    registry.removesCredentials = config.flag("removeCredentials", true);
    registry.published = config.flag("publish", true);
    this.readTaskModes(config.objects("tasks"));
    registry.revocations = new Revocations(readDigests(config, "revoked"));
    const issuers = config.objects("issuers");
    for (let i = 0; i < issuers.length; i++) this.addIssuer(issuers[i]);
    this.readTenants(config.objects("tenants"));
    return registry;
  }

  private addIssuer(config: Config): void {
    const issuer = readIssuer(config);
    if (this.findIssuer(issuer.name) >= 0) config.fault("issuer", `${config.text("issuer")} is there twice`);
    this.registry.issuers.push(issuer);
  }

  /** @returns -1 when there is none */
  private findIssuer(name: Bytes): i32 {
    const issuers = this.registry.issuers;
    for (let i = 0; i < issuers.length; i++) if (issuers[i].name.equals(name.ptr, name.len)) return i;
    return -1;
  }

  private readApiKey(config: Config | null): void {
    const registry = this.registry;
    if (config == null || !config.has("headers")) registry.keyHeaders.push(bytes("x-api-key"));
    if (config == null) return;
    const headers = config.texts("headers");
    const seen: string[] = ["authorization"];
    for (let i = 0; i < headers.length; i++) {
      const name = headers[i].toLowerCase();
      if (seen.includes(name)) config.fault(`headers[${i.toString()}]`, "is there twice, or always read");
      seen.push(name);
      registry.keyHeaders.push(bytes(name));
    }
    if (headers.length > 32) config.fault("headers", "must be 32 at most");
    if (config.has("queryParameter")) registry.keyParameter = bytes(config.text("queryParameter"));
    config.finish();
  }

  private readSignature(config: Config | null): void {
    if (config == null) return;
    this.registry.signatureSkew = <i64>config.number("maxSkewSeconds", 300, 1);
    const components = config.texts("components");
    for (let i = 0; i < components.length; i++) this.registry.signatureComponents.push(lower(components[i]));
    config.finish();
  }

  private readTaskModes(tasks: Config[]): void {
    const registry = this.registry;
    registry.taskModes = new NameTable<i32>();
    registry.hasTaskModes = tasks.length > 0;
    for (let i = 0; i < tasks.length; i++) {
      const taskid = tasks[i].text("taskid");
      const mode = tasks[i].choice("mode", MODE_NAMES);
      if (!registry.taskModes.add(bytes(taskid), mode))
        tasks[i].fault("taskid", `${taskid} has a mode already`);
      tasks[i].finish();
    }
  }

  private readTenants(configs: Config[]): void {
    const registry = this.registry;
    const credentials: Config[][] = [];
    const tasks: Config[][] = [];
    let credentialCount = 0;
    registry.tenantsByName = new NameTable<i32>();
    for (let i = 0; i < configs.length; i++) {
      const config = configs[i];
      const name = nameOf(config, "tenant");
      if (!registry.tenantsByName.add(bytes(name), i)) config.fault("tenant", `${name} is there twice`);
      registry.tenants.push(new Tenant(bytes(name), config.choice("mode", MODE_NAMES), i));
      credentials.push(config.objects("credentials"));
      tasks.push(config.objects("tasks"));
      config.finish();
      credentialCount += credentials[i].length;
    }
    registry.keys = new DigestTable(credentialCount);
    registry.signers = new NameTable<i32>();
    registry.certificates = new NameTable<i32>();
    registry.subjects = new NameTable<i32>();
    registry.permissions = new Permissions(configs.length + credentialCount);
    for (let i = 0; i < configs.length; i++) this.addGrants(i, tasks[i]);
    this.sets = configs.length;
    for (let i = 0; i < configs.length; i++) {
      for (let c = 0; c < credentials[i].length; c++) this.readCredential(i, credentials[i][c]);
    }
  }

  private addGrants(set: i32, tasks: Config[]): void {
    for (let i = 0; i < tasks.length; i++) {
      const config = tasks[i];
      const task = config.text("task");
      const prefix = task.endsWith("*");
      const name = bytes(prefix ? task.substring(0, task.length - 1) : task);
      if (prefix && name.len > LONGEST_PREFIX) {
        config.fault("task", `a prefix has at most ${LONGEST_PREFIX.toString()} bytes`);
      } else this.registry.permissions.add(set, name, prefix, bytesOf(config.texts("versions")));
      config.finish();
    }
  }

  private readCredential(tenant: i32, config: Config): void {
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
      this.addGrants(credential.narrowed, config.objects("tasks"));
    }
    this.readProof(index, credential, config);
    config.finish();
  }

  /** What proves the credential: exactly one of four. */
  private readProof(index: i32, credential: Credential, config: Config): void {
    const kinds =
      i32(config.has("sha256")) +
      i32(config.has("secret")) +
      i32(config.has("certificate")) +
      i32(config.has("token"));
    if (kinds != 1) config.fault("", "needs exactly one of sha256, secret, certificate, token");
    if (config.has("sha256")) {
      if (!parseHexDigest(config.text("sha256"), digest))
        config.fault("sha256", "must be 64 hexadecimal digits");
      else if (!this.registry.keys.add(digest, index))
        config.fault("sha256", "is used by another credential");
    }
    if (config.has("secret")) this.readSecret(index, credential, config);
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
    const issuer = this.findIssuer(name);
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

/** A name that may stand before or behind a separator: without slashes and control characters. */
function nameOf(config: Config, field: string): string {
  const name = config.text(field);
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c < <i32>Char.SPACE || c == Char.SLASH)
      config.fault(field, "must hold no slash and no control character");
  }
  return name;
}

function lower(text: string): Bytes {
  return bytes(text.toLowerCase());
}

function bytesOf(texts: string[]): Bytes[] {
  const list: Bytes[] = [];
  for (let i = 0; i < texts.length; i++) list.push(bytes(texts[i]));
  return list;
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

function readDigests(config: Config, field: string): StaticArray<u8> {
  const texts = config.texts(field);
  const digests = new StaticArray<u8>(texts.length * SHA256_SIZE);
  for (let i = 0; i < texts.length; i++) {
    if (!parseHexDigest(texts[i], changetype<usize>(digests) + i * SHA256_SIZE)) {
      config.fault(`${field}[${i.toString()}]`, "must be 64 hexadecimal digits");
    }
  }
  return digests;
}
