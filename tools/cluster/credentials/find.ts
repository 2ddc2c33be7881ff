import type { Credential } from "../../api/credential.ts";
import { nearest } from "../../api/issue-message.ts";
import type { Tenant } from "../../api/tenant.ts";

interface Found {
  credential: Credential;
  /** Path of it in the Tenant. */
  path: PropertyKey[];
}

/** @throws Error that names the ids that are there */
export function findCredential({ metadata, spec }: Tenant, id: string): Found {
  const index = spec.credentials.findIndex((each) => each.id === id);
  const credential = spec.credentials[index];
  if (credential) return { credential, path: ["spec", "credentials", index] };
  const near = nearest(
    id,
    spec.credentials.map((each) => each.id),
  );
  const hint = near === undefined ? "see modelgate credentials list" : `did you mean ${near}?`;
  throw new Error(`Tenant ${metadata.name} has no credential ${JSON.stringify(id)} (${hint})`);
}
