import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Config } from "../sdk/pipeline/config";
import { bytesOf, lower, nameOf } from "./config-texts";
import { readCors } from "./cors/read-cors";
import { SHA256_SIZE } from "./crypto/sha256";
import { DigestTable, parseHexDigest } from "./digest-table";
import { readIssuer } from "./jwt/read-issuer";
import { readLanguageModels } from "./language-models/read-models";
import { MODE_NAMES } from "./mode";
import { readKeyHeaders, readTenantHeader } from "./own-headers";
import { Permissions } from "./permissions";
import { readPublicPaths } from "./public-path";
import { CredentialReader } from "./read-credential";
import { addGrants } from "./read-grants";
import { Registry } from "./registry";
import { Revocations } from "./revocations";
import { keyEnd } from "./signature/labels";
import { Tenant } from "./tenant";

/** Reads the configuration of tenant-auth; what is wrong with it goes to `config.fault`. */
export function readConfig(config: Config): Registry {
  return new Reader(config).read();
}

class Reader {
  private readonly registry: Registry = new Registry();

  constructor(private readonly config: Config) {}

  read(): Registry {
    const registry = this.registry;
    const config = this.config;
    registry.mode = config.choice("mode", MODE_NAMES);
    const keyHeaders = this.readApiKey(config.object("apiKey"));
    this.readSignature(config.object("signature"));
    if (config.has("tenantHeader")) registry.tenantHeader = bytes(readTenantHeader(config, keyHeaders));
    registry.cors = readCors(config.object("cors"));
    registry.publicPaths = readPublicPaths(config.objects("publicPaths"));
    registry.languageModels = readLanguageModels(config.objects("languageModels"));
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
    if (this.registry.findIssuer(issuer.name) >= 0)
      config.fault("issuer", `${config.text("issuer")} is there twice`);
    this.registry.issuers.push(issuer);
  }

  /** @returns the headers that may hold a key */
  private readApiKey(config: Config | null): string[] {
    const registry = this.registry;
    const headers = readKeyHeaders(config);
    registry.keyHeaders = bytesOf(headers);
    if (config == null) return headers;
    if (config.has("queryParameter")) registry.keyParameter = bytes(config.text("queryParameter"));
    config.finish();
    return headers;
  }

  private readSignature(config: Config | null): void {
    if (config == null) return;
    this.registry.signatureSkew = <i64>config.number("maxSkewSeconds", 300, 1);
    if (config.has("label")) this.registry.signatureLabel = readLabel(config);
    const components = config.texts("components");
    for (let i = 0; i < components.length; i++) this.registry.signatureComponents.push(lower(components[i]));
    config.finish();
  }

  private readTaskModes(tasks: Config[]): void {
    const registry = this.registry;
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
    registry.permissions = new Permissions(configs.length + credentialCount);
    for (let i = 0; i < configs.length; i++) addGrants(registry.permissions, i, tasks[i]);
    const reader = new CredentialReader(registry, configs.length);
    for (let i = 0; i < configs.length; i++) {
      for (let c = 0; c < credentials[i].length; c++) reader.read(i, credentials[i][c]);
    }
  }
}

function readLabel(config: Config): Bytes {
  const label = bytes(config.text("label"));
  const end = label.ptr + label.len;
  if (label.len == 0 || keyEnd(label.ptr, end) != end)
    config.fault("label", "must be a label such as sig1, in lower case");
  return label;
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
