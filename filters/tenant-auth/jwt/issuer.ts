import { Bytes } from "../../sdk/bytes/bytes";
import { Algorithm } from "./algorithms";
import { Jwk } from "./jwk";
import { JwksSource } from "./jwks-source";

/** Whose tokens are trusted, and what their claims mean. Made when the plug-in is configured. */
export class Issuer {
  /** Bit a: Algorithm a is accepted. */
  algorithms: u32 = 0;
  leeway: i64 = 60;
  /** Is a token without `exp` refused? */
  expiryRequired: bool = true;
  /** Claim that names the tenant; null: the credential's subject or the issuer alone decides. */
  tenantClaim: Bytes | null = null;
  /** Claim with the tasks that a token may call; null: all that its credential may. */
  tasksClaim: Bytes | null = null;
  /** What `client_id` must be one of; empty: it is not looked at. */
  clientIds: Bytes[] = [];
  /** Keys of the configuration; empty when they are fetched. */
  keys: Jwk[] = [];
  /** Where the keys are fetched; null when they are configured. */
  source: JwksSource | null = null;

  constructor(
    /** The claim `iss`, compared exactly. */
    readonly name: Bytes,
    /** What `aud` must hold one of; empty: it is not looked at. */
    readonly audiences: Bytes[],
    /** Claim that names the credential's subject. */
    readonly subjectClaim: Bytes,
  ) {}

  accepts(algorithm: Algorithm): bool {
    return ((this.algorithms >> algorithm) & 1) != 0;
  }

  /** Keys are here, configured or fetched. */
  get ready(): bool {
    const source = this.source;
    return source == null || source.keys != null;
  }

  /** Keys that count now; fetched ones are here if `ready`. */
  get currentKeys(): Jwk[] {
    const source = this.source;
    return source == null ? this.keys : source.keys!;
  }

  /** No key at hand has signed a token: a set that was fetched is fetched anew, now and then. */
  wantKeys(): void {
    const source = this.source;
    if (source != null) source.wantRefresh();
  }
}
