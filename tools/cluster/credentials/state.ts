import type { Credential } from "../../api/credential.ts";
import { revocationOfId } from "../../api/credential-digests.ts";
import type { Tenant } from "../../api/tenant.ts";

type State = "active" | "disabled" | "revoked" | "expired" | "not yet valid";

/** Whether a credential is valid at a time, in milliseconds since 1970. */
export function stateOf({ metadata, spec }: Tenant, credential: Credential, now: number): State {
  const { id, type, sha256, enabled, notBefore, notAfter } = credential;
  const digests = [revocationOfId(metadata.name, id), ...(type === "apiKey" && sha256 ? [sha256] : [])];
  if (digests.some((digest) => spec.revoked.includes(digest))) return "revoked";
  if (!enabled) return "disabled";
  if (notBefore !== undefined && Date.parse(notBefore) > now) return "not yet valid";
  if (notAfter !== undefined && Date.parse(notAfter) < now) return "expired";
  return "active";
}
