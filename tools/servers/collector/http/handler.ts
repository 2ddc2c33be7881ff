import { HttpError, type Request, type Response, sendJson } from "../../http/http.ts";
import { type IsOwnName, refuseForeign } from "./foreign.ts";

export type Route = (request: Request, response: Response, url: URL) => Promise<void> | void;

/**
 * Answers requests by method and path: "GET /healthz". What no route has goes to `rest`.
 * @param isOwnName see `refuseForeign`
 */
export function handler(
  routes: Record<string, Route>,
  rest: Route,
  onFault: (error: unknown) => void,
  isOwnName?: IsOwnName,
): (request: Request, response: Response) => void {
  return (request, response) => void answer(request, response);

  async function answer(request: Request, response: Response): Promise<void> {
    try {
      refuseForeign(request, isOwnName);
      const url = URL.parse(request.url ?? "/", "http://collector");
      if (url === null) throw new HttpError(400, "bad_target", "the request's target is no path");
      const route = routes[`${request.method} ${url.pathname}`];
      if (route !== undefined) return await route(request, response, url);
      const allowed = Object.keys(routes).filter((each) => each.endsWith(` ${url.pathname}`));
      if (allowed.length > 0)
        throw new HttpError(405, "method_not_allowed", `${request.method} is not for ${url.pathname}`, {
          allow: allowed.map((each) => each.split(" ")[0]).join(", "),
        });
      await rest(request, response, url);
    } catch (error) {
      if (!(error instanceof HttpError)) onFault(error);
      if (response.headersSent) return void response.destroy();
      const { status, reason, message, headers } =
        error instanceof HttpError
          ? error
          : new HttpError(500, "internal", "the collector failed; see its log");
      sendJson(response, status, { error: message, reason }, headers);
    }
  }
}

/** Answers what no route has where there is nothing else. */
export const nothing: Route = (_request, _response, { pathname }) => {
  throw new HttpError(404, "path_unknown", `there is no ${pathname} here`);
};
