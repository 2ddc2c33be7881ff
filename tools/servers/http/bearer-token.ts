import type { IncomingHttpHeaders } from "node:http";

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1); undefined for anything else. */
export function bearerToken({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(authorization ?? "")?.[1];
}
