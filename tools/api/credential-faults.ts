import type { Credential } from "./credential.ts";
import type { Fault } from "./fault.ts";
import { nearest } from "./issue-message.ts";
import type { JwtIssuer } from "./jwt-issuer.ts";
import { isUsable } from "./key-set.ts";
import type { Loaded } from "./load.ts";
import type { Tenant } from "./tenant.ts";

/** Faults between the credentials of a tenant and its issuers, and in key sets. */
export function credentialFaults(tenant: Loaded<Tenant>): Fault[] {
  return [
    ...unknownIssuers(tenant),
    ...unknownPriorities(tenant),
    ...sharedProofs(tenant),
    ...keySetFaults(tenant),
  ];
}

function unknownPriorities({ resource, fault }: Loaded<Tenant>): Fault[] {
  const { credentials, priorities } = resource.spec;
  const known = priorities?.classes.map(({ name }) => name) ?? [];
  return credentials.flatMap(({ priority }, index) => {
    if (priority === undefined || known.includes(priority)) return [];
    const near = nearest(priority, known);
    const hint =
      near !== undefined
        ? `did you mean ${near}?`
        : `spec.priorities.classes has ${known.join(", ") || "none"}`;
    const path = ["spec", "credentials", index, "priority"];
    return [fault(path, `${JSON.stringify(priority)} is no priority of the tenant (${hint})`)];
  });
}

function unknownIssuers({ resource, fault }: Loaded<Tenant>): Fault[] {
  const { credentials, jwtIssuers } = resource.spec;
  const known = jwtIssuers.map(({ issuer }) => issuer);
  return credentials.flatMap(({ type, issuer = "" }, index) => {
    if (type !== "token" || known.includes(issuer)) return [];
    const near = nearest(issuer, known);
    const hint =
      near !== undefined ? `did you mean ${near}?` : `spec.jwtIssuers has ${known.join(", ") || "none"}`;
    const path = ["spec", "credentials", index, "issuer"];
    return [fault(path, `${JSON.stringify(issuer)} is no issuer of the tenant (${hint})`)];
  });
}

/** Two credentials that one and the same proof would prove: the filter could not tell who called. */
function sharedProofs({ resource, fault }: Loaded<Tenant>): Fault[] {
  const first = new Map<string, string>();
  return resource.spec.credentials.flatMap((credential, index) => {
    const [field, proof] = proofOf(credential);
    if (field === undefined) return [];
    const other = first.get(proof);
    if (other === undefined) {
      first.set(proof, credential.id);
      return [];
    }
    return [
      fault(["spec", "credentials", index, field], `is that of credential ${other} too: give each its own`),
    ];
  });
}

function proofOf({ type, sha256, issuer, subject }: Credential): [field: string | undefined, proof: string] {
  if (type === "token")
    return [subject === undefined ? "issuer" : "subject", JSON.stringify([type, issuer, subject])];
  if (sha256 !== undefined) return ["sha256", `${type} ${sha256}`];
  return type === "certificate" ? ["subject", `${type} ${subject}`] : [undefined, ""];
}

function keySetFaults({ resource, fault }: Loaded<Tenant>): Fault[] {
  return resource.spec.jwtIssuers.flatMap(({ issuer, jwks, algorithms }, index) => {
    const issuers = resource.spec.jwtIssuers.map((each) => each.issuer);
    const twice =
      issuers.indexOf(issuer) === index
        ? []
        : [fault(["spec", "jwtIssuers", index, "issuer"], `${JSON.stringify(issuer)} is there twice`)];
    const wrong = jwks === undefined ? undefined : keySetFault(jwks, algorithms);
    return wrong === undefined ? twice : [...twice, fault(["spec", "jwtIssuers", index, "jwks"], wrong)];
  });
}

function keySetFault(text: string, algorithms: JwtIssuer["algorithms"]): string | undefined {
  let set: { keys?: unknown } | null;
  try {
    set = JSON.parse(text) as { keys?: unknown } | null;
  } catch {
    return "is not JSON: put the key set itself here, or its address into jwksUri";
  }
  if (!Array.isArray(set?.keys)) return "must be a key set: an object with a list of keys (RFC 7517)";
  const secret = set.keys.findIndex((key) => typeof key === "object" && key !== null && "d" in key);
  if (secret >= 0) return `keys[${secret}] is a private key: leave the public one here`;
  if (set.keys.some((key) => isUsable(key, algorithms))) return undefined;
  return "has no key that can be used: RSA of 2048 to 4096 bits, P-256 or P-384, for signatures (HS256: 32 bytes, if it is in algorithms)";
}
