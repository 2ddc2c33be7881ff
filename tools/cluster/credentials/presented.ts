import type { X509Certificate } from "node:crypto";
import { sha256Hex } from "../../api/credential-digests.ts";
import type { HeaderList } from "../../lib/host/header-pairs.ts";
import type { CredentialConfig, TenantAuthConfig } from "../istio/tenant-auth-config.ts";

/** What a request presents, described without giving it away. */
interface Presented {
  description: string;
  /** The credential that it seems to mean, whether or not it proves it. */
  meant?: { tenant: string; credential: CredentialConfig };
}

/** Tells what credentials a request presents and which configured one each means. */
export function presentedIn(
  headers: HeaderList,
  path: string,
  config: TenantAuthConfig,
  certificate: X509Certificate | undefined,
): Presented[] {
  const { headers: names = ["x-api-key"], queryParameter } = (config.apiKey ?? {}) as {
    headers?: string[];
    queryParameter?: string;
  };
  const found: Presented[] = [];
  for (const [name, value] of headers) {
    if (names.some((each) => each.toLowerCase() === name)) found.push(keyIn(name, value, config));
    else if (name === "authorization") found.push(authorization(value, config));
    else if (name === "signature-input") found.push(signature(value, config));
  }
  const query = path.includes("?") ? path.slice(path.indexOf("?") + 1).split("&") : [];
  for (const part of query) {
    const [name, value] = [part.split("=", 1)[0], part.slice(part.indexOf("=") + 1)];
    if (queryParameter !== undefined && name === queryParameter && part.includes("="))
      found.push(keyIn(`the query parameter ${queryParameter}`, value, config));
  }
  if (found.length === 0 && certificate) found.push(ofCertificate(certificate, config));
  return found;
}

/** A text that tells a secret from another and gives nothing away. */
function fingerprint(secret: string): string {
  return `sha256 ${sha256Hex(secret).slice(0, 4)}...`;
}

function find(config: TenantAuthConfig, fits: (credential: CredentialConfig, tenant: string) => boolean) {
  for (const { tenant, credentials = [] } of config.tenants) {
    const credential = credentials.find((each) => fits(each, tenant));
    if (credential) return { meant: { tenant, credential } };
  }
  return {};
}

function keyIn(where: string, key: string, config: TenantAuthConfig): Presented {
  const digest = sha256Hex(key);
  return {
    description: `API key in ${where} (${fingerprint(key)})`,
    ...find(config, ({ sha256 }) => sha256?.toLowerCase() === digest),
  };
}

function authorization(value: string, config: TenantAuthConfig): Presented {
  const [, secret] = /^bearer (.*)$/is.exec(value) ?? [];
  if (secret === undefined) return { description: "Authorization of a scheme that is not Bearer" };
  const claims = claimsOf(secret);
  if (!claims) return keyIn("Authorization: Bearer", secret, config);
  const issuer = config.issuers?.find((each) => each.issuer === claims.iss);
  const subject = claims[String(issuer?.subjectClaim ?? "sub")];
  const named = issuer?.tenantClaim === undefined ? undefined : claims[String(issuer.tenantClaim)];
  const fits = (exact: boolean) =>
    find(
      config,
      ({ token }, tenant) =>
        token?.issuer === claims.iss &&
        token?.subject === (exact ? subject : undefined) &&
        (named === undefined || tenant === named),
    );
  const exact = fits(true);
  return {
    description: `token in Authorization (${fingerprint(secret)}, iss ${JSON.stringify(claims.iss)}, subject ${JSON.stringify(subject)})`,
    ...("meant" in exact ? exact : fits(false)),
  };
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString());
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function signature(input: string, config: TenantAuthConfig): Presented {
  const [, keyid = ""] = /;\s*keyid="([^"]*)"/.exec(input) ?? [];
  return {
    description: `signature of ${JSON.stringify(keyid)} (${fingerprint(input)})`,
    ...find(config, ({ id, secret }, tenant) => secret !== undefined && `${tenant}/${id}` === keyid),
  };
}

/** What Envoy tells a filter of a client certificate, by its attribute. */
export function certificateAttributes(certificate: X509Certificate): Record<string, string> {
  const names = certificate.subjectAltName?.split(", ") ?? [];
  const first = (kind: string) => names.find((name) => name.startsWith(kind))?.slice(kind.length);
  const attributes = {
    uri_san_peer_certificate: first("URI:"),
    dns_san_peer_certificate: first("DNS:"),
    // RFC 2253 names the last attribute first.
    subject_peer_certificate: certificate.subject?.split("\n").reverse().join(","),
    sha256_peer_certificate_digest: sha256Hex(certificate.raw),
  };
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value ? [[`connection\0${name}`, value]] : [])),
  );
}

function ofCertificate(certificate: X509Certificate, config: TenantAuthConfig): Presented {
  const said = Object.values(certificateAttributes(certificate));
  return {
    description: `client certificate (sha256 ${sha256Hex(certificate.raw).slice(0, 4)}...)`,
    ...find(config, (each) => said.includes(Object.values(each.certificate ?? {})[0] ?? "")),
  };
}
