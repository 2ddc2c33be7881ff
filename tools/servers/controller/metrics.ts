import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Leadership } from "./leadership.ts";
import { countsTokens, LIMIT_KINDS, type Limit } from "./limit.ts";
import type { Limits } from "./limits.ts";

/** What Prometheus reads. */
export interface Metrics {
  registry: Registry;
  reports: Counter<"status">;
  reportSeconds: Histogram;
}

/** Metrics of a controller; those of its limits are read from them when asked for. */
export function controllerMetrics(limits: Limits, leadership: Leadership): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = gaugesOf(registry);
  collectDefaultMetrics({ register: registry });
  gauge("modelgate_controller_leader", "1 when this controller is the leader.", [], (set) =>
    set({}, Number(leadership.isLeader)),
  );
  gauge("modelgate_controller_gateway_pods", "Gateway pods that hold shares.", ["gateway"], (set) => {
    for (const [gateway, { pods }] of limits.entries()) set({ gateway }, pods.size);
  });
  limitMetrics(gauge, limits, leadership);

  return {
    registry,
    reports: new Counter({
      name: "modelgate_controller_reports_total",
      help: "Reports, by HTTP status of the answer.",
      labelNames: ["status"],
      registers,
    }),
    reportSeconds: new Histogram({
      name: "modelgate_controller_report_seconds",
      help: "Time from a report's headers to its answer.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    }),
  };
}

type MakeGauge = ReturnType<typeof gaugesOf>;

/** @returns what makes a gauge that is read when it is asked for */
function gaugesOf(registry: Registry) {
  return <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    collect: (set: (labels: Partial<Record<L, string>>, value: number) => void) => void,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });
  };
}

function limitMetrics(gauge: MakeGauge, limits: Limits, leadership: Leadership): void {
  const perLimitOf =
    (ofTokens: boolean) =>
    (name: string, help: string, value: (limit: Limit) => number, isTold = () => true) =>
      gauge(`modelgate_controller_${name}`, help, ["gateway", "kind", "name"], (set) => {
        if (!isTold()) return;
        for (const [gateway, { limits: tables }] of limits.entries())
          for (const kind of LIMIT_KINDS.filter((each) => countsTokens(each) === ofTokens))
            for (const [name, limit] of tables[kind])
              set({ gateway, kind: kind.replace("Tokens", "s"), name }, value(limit));
      });
  const perLimit = perLimitOf(false);
  const perTokenLimit = perLimitOf(true);
  perLimit(
    "limit_requests_per_second",
    "Limit of a task or tenant over all gateway pods.",
    ({ rate }) => rate.capacity,
  );
  perLimit("reserved_requests_per_second", "Part of the limit that gateway pods may use now.", ({ rate }) =>
    rate.reservedSum(),
  );
  perLimit(
    "admitted_requests",
    "Requests admitted, as reported to this process.",
    ({ admitted }) => admitted,
  );
  perLimit("refused_requests", "Requests refused, as reported to this process.", ({ refused }) => refused);
  perLimit(
    "requests_in_flight",
    "Requests under way at the gateway pods' last reports, told by the leader alone; autoscaling goes by it.",
    ({ requestsInFlight }) => requestsInFlight,
    () => leadership.isLeader,
  );

  perTokenLimit(
    "limit_tokens_per_second",
    "Limit of a task's or tenant's language models over all gateway pods.",
    ({ rate }) => rate.capacity,
  );
  perTokenLimit(
    "reserved_tokens_per_second",
    "Part of the limit on tokens that gateway pods may use now.",
    ({ rate }) => rate.reservedSum(),
  );
  perTokenLimit("admitted_tokens", "Tokens used, as reported to this process.", ({ admitted }) => admitted);
  perTokenLimit(
    "refused_tokens",
    "Tokens that refused calls asked for, as reported to this process.",
    ({ refused }) => refused,
  );
}
