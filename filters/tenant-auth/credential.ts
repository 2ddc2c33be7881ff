import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import { Principal } from "../sdk/pipeline/principal";
import { hostLength, matchesHost } from "./task-pattern";

const GET = bytes("GET");
const HEAD = bytes("HEAD");

/**
 * One way to prove that a caller belongs to a tenant, and what narrows it. Made when the plug-in is
 * configured.
 */
export class Credential {
  /** Set of permissions that narrows the tenant's; -1: none. */
  narrowed: i32 = -1;
  /** HTTP methods it may use; empty: each. */
  methods: Bytes[] = [];
  /** Hosts it may call, exact or `*.suffix`, lower case; empty: each. */
  hosts: Bytes[] = [];
  /** Seconds since 1970: valid from, valid until. */
  notBefore: i64 = 0;
  notAfter: i64 = i64.MAX_VALUE;
  enabled: bool = true;
  /** Shared key of request signatures; null for credentials of another kind. */
  secret: Bytes | null = null;

  constructor(
    readonly principal: Principal,
    /** Index of the tenant. */
    readonly tenant: i32,
    /** SHA-256 of `id:<tenant>/<id>`, by which it is revoked. */
    readonly revocation: Bytes,
  ) {}

  /** HEAD is a GET whose answer has no body (RFC 9110, section 9.3.2), so who may GET may ask so. */
  allowsMethod(method: Slice): bool {
    const methods = this.methods;
    const head = HEAD.equals(method.ptr, method.len);
    for (let i = 0; i < methods.length; i++) {
      const allowed = methods[i];
      if (allowed.equals(method.ptr, method.len) || (head && GET.equals(allowed.ptr, allowed.len)))
        return true;
    }
    return methods.length == 0;
  }

  allowsHost(authority: Slice): bool {
    const hosts = this.hosts;
    if (hosts.length == 0) return true;
    const len = hostLength(authority.ptr, authority.len);
    for (let i = 0; i < hosts.length; i++) if (matchesHost(hosts[i], authority.ptr, len)) return true;
    return false;
  }
}
