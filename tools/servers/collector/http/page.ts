import { HttpError } from "../../http/http.ts";
import { pageHandler } from "../page.ts";
import type { Route } from "./handler.ts";

const serve = pageHandler();

/** Serves what is not an interface for programs. */
export const page: Route = (request, response, { pathname }) => {
  if (serve(request, response)) return;
  throw new HttpError(404, "path_unknown", `there is no ${pathname}; see tools/servers/collector/README.md`);
};
