import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";
import { startEnvoy } from "../../../tools/lib/envoy/process.ts";
import { testBootstrap } from "../../support/bootstrap.ts";
import { forLargeBodies } from "../large-bodies.ts";
import type { Gateway } from "./gateways.ts";
import { ANSWERED_TASK, LIMITED_TASK, MODEL_TASK } from "./requests.ts";

const BUFFER_BYTES = 64 * 1024 * 1024;

/** An access logger that writes to a file. */
export type LogFormat = (path: string) => object;

export interface EnvoyGatewayOptions
  extends Pick<Gateway, "name" | "credential" | "unknown" | "calls">,
    Partial<Pick<Gateway, "dialect" | "modules">> {
  filters: object[];
  log?: { format: LogFormat; file: string };
  /** A filter needs a whole body at once. */
  buffers?: boolean;
}

/** An Envoy with some filters in front of the model server; what is not for that one it answers itself. */
export function envoyGateway(
  envoy: EnvoySource,
  { filters, log, buffers, ...more }: EnvoyGatewayOptions,
): Gateway {
  return {
    ...{ logFile: log?.file ?? "", dialect: "REST", modules: [] },
    ...more,
    start({ workers, modelPort, port = 0 }) {
      const config = testBootstrap({
        ...{ tasks: [{ taskid: MODEL_TASK, port: modelPort }], routes: ANSWERS, filters, port },
        removedHeaders: CREDENTIAL_HEADERS,
        accessLogs: log ? [log.format(log.file)] : [],
      });
      return startEnvoy({
        ...{ envoy, concurrency: workers },
        bootstrap: forLargeBodies(config, buffers ? BUFFER_BYTES : undefined),
      });
    },
  };
}

/** No model server sees a credential. */
const CREDENTIAL_HEADERS = ["authorization", "x-api-key"];
const ANSWERS = [ANSWERED_TASK, LIMITED_TASK].map((exact) => ({
  match: { prefix: "/", headers: [{ name: "taskid", string_match: { exact } }] },
  direct_response: { status: 200, body: { inline_string: "ok" } },
}));
