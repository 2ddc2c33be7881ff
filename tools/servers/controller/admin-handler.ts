import { HttpError, type Request, type Response, sendJson } from "../http/http.ts";
import type { Handle } from "../http/listener.ts";
import type { Metrics } from "./metrics.ts";

/** Serves `/healthz` (the process runs), `/readyz` (it knows the resources) and `/metrics` (Prometheus). */
export function adminHandler(metrics: Metrics, isReady: () => boolean): Handle {
  return (request, response) => {
    answer(request, response).catch(() => response.destroy());
  };

  async function answer(request: Request, response: Response): Promise<void> {
    switch (request.url) {
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz":
        return isReady()
          ? sendJson(response, 200, { status: "ready" })
          : sendJson(response, 503, { status: "the resources are not read yet" });
      case "/metrics":
        response.setHeader("content-type", metrics.registry.contentType);
        response.end(await metrics.registry.metrics());
        return;
      default: {
        const { status, reason, message } = new HttpError(
          404,
          "path_unknown",
          "there are /healthz, /readyz and /metrics",
        );
        return sendJson(response, status, { error: message, reason });
      }
    }
  }
}
