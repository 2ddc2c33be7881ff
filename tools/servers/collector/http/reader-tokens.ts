import type { IncomingHttpHeaders } from "node:http";
import { bearerToken } from "../../http/bearer-token.ts";
import { HttpError } from "../../http/http.ts";
import type { Route } from "./handler.ts";
import { TokenFile } from "./token-file.ts";

/** The tenants that a reader may see. */
type Scope = readonly string[] | "all";

/** What is read of tenants, each narrowed down by the parameter `tenant`. */
const OF_TENANTS = ["traffic", "spend", "budgets", "heatmap", "logs", "events", "names", "limits"].map(
  (name) => `GET /api/v1/${name}`,
);
/** What tells nothing of anybody. */
const OF_NOBODY = ["GET /api/v1/settings"];
/** What has checks of its own, or needs none. */
const OPEN = ["POST /v1/logs", "GET /healthz", "GET /readyz"];

/**
 * The tokens of those who may read: a line of the file is a token, and the tenants that its bearer sees
 * behind it; all where there is none. They come as bearer tokens (RFC 6750), or of a browser as the password
 * of Basic (RFC 7617), whose user's name is of no matter.
 */
export class ReaderTokens {
  private readonly file: TokenFile;

  private constructor(file: TokenFile) {
    this.file = file;
  }

  /** @throws Error that names the file when it can't be read, holds no token, or a line that is none */
  static async open(file: string): Promise<ReaderTokens> {
    return new ReaderTokens(await TokenFile.open(file, { words: true }));
  }

  /** See `TokenFile`. */
  renew(): Promise<boolean> {
    return this.file.renew();
  }

  /** The routes for those who may read; whatever this file does not know is for readers of all tenants. */
  guard(routes: Record<string, Route>): Record<string, Route> {
    return Object.fromEntries(
      Object.entries(routes).map(([name, route]) => [
        name,
        OPEN.includes(name) ? route : this.guarded(name, route),
      ]),
    );
  }

  /** A route that any reader may call. */
  forAny(route: Route): Route {
    return (request, response, url) => {
      this.scopeOf(request.headers);
      return route(request, response, url);
    };
  }

  private guarded(name: string, route: Route): Route {
    if (OF_NOBODY.includes(name)) return this.forAny(route);
    return (request, response, url) => {
      const scope = this.scopeOf(request.headers);
      if (scope === "all") return route(request, response, url);
      if (!OF_TENANTS.includes(name))
        throw new HttpError(403, "reader_forbidden", "this is for readers who may see all tenants");
      return route(request, response, narrowed(url, scope));
    };
  }

  /** @throws HttpError 401 */
  private scopeOf(headers: IncomingHttpHeaders): Scope {
    const token = bearerToken(headers) ?? basicPassword(headers);
    if (token === undefined)
      throw refusal("credential_missing", "a reader's token is needed: authorization: Bearer <token>");
    const tenants = this.file.find(token);
    if (tenants === undefined) throw refusal("credential_unknown", "the reader's token is not known here");
    return tenants.length === 0 ? "all" : tenants;
  }
}

/**
 * The address with the tenants that are asked for and may be seen.
 * @throws HttpError 403 when there are none
 */
function narrowed(url: URL, tenants: readonly string[]): URL {
  const asked = url.searchParams.getAll("tenant");
  const seen = asked.length === 0 ? tenants : asked.filter((each) => tenants.includes(each));
  if (seen.length === 0)
    throw new HttpError(403, "tenant_forbidden", "the reader's token is not for this tenant");
  const narrow = new URL(url);
  narrow.searchParams.delete("tenant");
  for (const tenant of seen) narrow.searchParams.append("tenant", tenant);
  return narrow;
}

function basicPassword({ authorization }: IncomingHttpHeaders): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,16384})$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  return text.includes(":") ? text.slice(text.indexOf(":") + 1) : undefined;
}

/** A browser asks its user by Basic, the first way that it knows. */
function refusal(reason: string, message: string): HttpError {
  return new HttpError(401, reason, message, {
    "www-authenticate":
      'Basic realm="modelgate collector", charset="UTF-8", Bearer realm="modelgate collector"',
  });
}
