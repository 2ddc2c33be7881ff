import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { Cors } from "./cors/cors";
import { Credential } from "./credential";
import { DigestTable } from "./digest-table";
import { Issuer } from "./jwt/issuer";
import { LanguageModels } from "./language-models/language-models";
import { Mode } from "./mode";
import { Permissions } from "./permissions";
import { PublicPath } from "./public-path";
import { Revocations } from "./revocations";
import { Tenant } from "./tenant";

/** All that a configuration of tenant-auth says. Read only, but for revocations and fetched keys. */
export class Registry {
  mode: Mode = Mode.Enforce;
  /** Headers that may hold an API key, lower case. */
  keyHeaders: Bytes[] = [];
  /** Query parameter that may hold an API key; null: none may. */
  keyParameter: Bytes | null = null;
  /** Which pages of other origins may call; null: the filter leaves that to others. */
  cors: Cors | null = null;
  /** Paths that need no credential. */
  publicPaths: PublicPath[] = [];
  /** Tasks that are called by the name of a model; null: there are none. */
  languageModels: LanguageModels | null = null;
  /** Are headers of credentials taken from the request here? Otherwise the route does. */
  removesCredentials: bool = true;
  /** Header that tells the model server the tenant; null: none does. */
  tenantHeader: Bytes | null = null;
  /**
   * Do filters behind this one get to know the tenant and the credential? Means nothing inside gateway.wasm.
   */
  published: bool = true;
  /** Seconds by which the clock of a signer may differ. */
  signatureSkew: i64 = 300;
  /** Label of the signature that counts; empty: the only one, whatever its label. */
  signatureLabel: Bytes = bytes("");
  /** What a signature must cover beyond the method, the path and the task. */
  signatureComponents: Bytes[] = [];
  tenants: Tenant[] = [];
  credentials: Credential[] = [];
  issuers: Issuer[] = [];
  /**
   * Credentials by what proves them: digest of an API key; `tenant/id` of a signer; certificate; subject of a
   * token.
   */
  keys: DigestTable = new DigestTable(0);
  readonly signers: NameTable<i32> = new NameTable<i32>();
  readonly certificates: NameTable<i32> = new NameTable<i32>();
  readonly subjects: NameTable<i32> = new NameTable<i32>();
  /** Bit f: certificates are known by CERTIFICATE_FIELDS[f]. */
  certificateFields: u32 = 0;
  readonly tenantsByName: NameTable<i32> = new NameTable<i32>();
  permissions: Permissions = new Permissions(0);
  /** Modes of tasks that have one of their own. */
  readonly taskModes: NameTable<i32> = new NameTable<i32>();
  hasTaskModes: bool = false;
  revocations: Revocations = new Revocations(new StaticArray<u8>(0));

  /** Index of an issuer, -1 for an unknown one. */
  findIssuer(name: Bytes): i32 {
    const issuers = this.issuers;
    for (let i = 0; i < issuers.length; i++) if (issuers[i].name.equals(name.ptr, name.len)) return i;
    return -1;
  }
}

/**
 * A token's subject as it stands in `Registry.subjects`: issuer, tenant (-1: not named by the token), then
 * the subject.
 */
export function writeSubject(out: ByteBuffer, issuer: i32, tenant: i32, subject: usize, len: i32): void {
  out.clear();
  out.reserve(8 + len);
  store<i32>(out.ptr, issuer);
  store<i32>(out.ptr, tenant, 4);
  out.len = 8;
  out.append(subject, len);
}
