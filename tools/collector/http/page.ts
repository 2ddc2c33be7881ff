import { HttpError } from "../../controller/http.ts";
import type { Route } from "./handler.ts";

/** Serves what is not an interface for programs. */
export const page: Route = (_request, _response, { pathname }) => {
  throw new HttpError(404, "path_unknown", `there is no ${pathname}; see tools/collector/README.md`);
};
