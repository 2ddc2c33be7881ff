import { HttpError, type Request } from "../../controller/http.ts";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/i;

/** Whether only this machine can connect to an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.includes(":") ? `[${host}]` : host);
}

/**
 * Refuses what pages of other hosts make a browser send: a page may post to any host, and its own name may come to resolve to this
 * machine ("DNS rebinding"). Senders that are no browser post under any name.
 * @param isLocal the collector listens on a loopback address, which nobody has another name for
 * @throws HttpError 403
 */
export function refuseForeign({ method, headers }: Request, isLocal: boolean): void {
  const host = String(headers[":authority"] ?? headers.host ?? "");
  const { origin } = headers;
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead && origin !== undefined && hostOf(origin) !== host)
    throw new HttpError(403, "foreign_origin", "pages of other hosts may not send to the collector");
  if (isLocal && (isRead || origin !== undefined) && !LOOPBACK.test(host.replace(/:\d+$/, "")))
    throw new HttpError(403, "foreign_host", `this collector is at localhost, not at ${host}`);
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
