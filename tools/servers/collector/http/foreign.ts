import { isIP } from "node:net";
import { hostname } from "node:os";
import { HttpError, type Request } from "../../http/http.ts";

/** Whether the collector goes by a name, which comes without its port. */
export type IsOwnName = (name: string) => boolean;

/**
 * The names of the collector: localhost, this machine's, where it listens, and those of `more`. Addresses are
 * no names that anybody could make resolve to this machine, so each of them will do.
 */
export function ownNames(listenHost: string, more: string[]): IsOwnName {
  const names = new Set(["localhost", hostname(), listenHost, ...more].map((name) => name.toLowerCase()));
  return (name) => names.has(name) || isIP(name.replace(/^\[|\]$/g, "")) !== 0;
}

/**
 * Refuses what pages of other hosts make a browser send: a page may post to any host, and its own name may
 * come to resolve to this machine ("DNS rebinding"), also where `kubectl port-forward` listens for a
 * collector in a cluster. Senders that are no browser post under any name.
 * @param isOwnName where not given, there is nothing to read
 * @throws HttpError 403
 */
export function refuseForeign({ method, headers }: Request, isOwnName?: IsOwnName): void {
  const host = String(headers[":authority"] ?? headers.host ?? "");
  const { origin } = headers;
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead && origin !== undefined && hostOf(origin) !== host)
    throw new HttpError(403, "foreign_origin", "pages of other hosts may not send to the collector");
  if (!isRead && origin === undefined) return;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (isOwnName?.(name) === false)
    throw new HttpError(
      403,
      "foreign_host",
      `this collector does not go by the name ${JSON.stringify(name)}; give it by --allow-host if it should`,
    );
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
