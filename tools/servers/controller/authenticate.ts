import type { IncomingHttpHeaders } from "node:http";
import type { PeerCertificate, TLSSocket } from "node:tls";

/** Who sends a report, as far as the proof tells. */
export interface Caller {
  /** Its gateway must be of this namespace. */
  namespace?: string;
  /** It must be this pod. */
  pod?: string;
}

/** Says who calls, or why that isn't accepted: no proof, or one that doesn't hold. */
export type Authenticate = (
  headers: IncomingHttpHeaders,
  socket: unknown,
) => Promise<Caller | "credential_missing" | "credential_unknown">;

/** Takes everybody; for a listener that only this machine reaches. */
export const anyone: Authenticate = async () => ({});

/**
 * Takes client certificates, which TLS has checked against the CA. A SPIFFE id (`spiffe://<trust
 * domain>/ns/<namespace>/sa/<account>`) in one binds the caller to its namespace; other certificates may
 * report for every gateway.
 */
export const clientCertificate: Authenticate = async (_, socket) => {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>;
  if (authorized !== true || getPeerCertificate === undefined) return "credential_missing";
  const namespace = spiffeNamespace(getPeerCertificate.call(socket as TLSSocket));
  return namespace === undefined ? {} : { namespace };
};

function spiffeNamespace({ subjectaltname }: PeerCertificate): string | undefined {
  return /(?:^|, )URI:spiffe:\/\/[^/,]+\/ns\/([^/,]+)\/sa\//.exec(subjectaltname ?? "")?.[1];
}
