import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Leadership } from "./leadership.ts";
import type { Limit } from "./limit.ts";
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
  collectDefaultMetrics({ register: registry });
  gauge("modelgate_controller_leader", "1 when this controller is the leader.", [], (set) =>
    set({}, Number(leadership.isLeader)),
  );
  gauge("modelgate_controller_gateway_pods", "Gateway pods that hold shares.", ["gateway"], (set) => {
    for (const [gateway, { pods }] of limits.entries()) set({ gateway }, pods.size);
  });
  const perLimit = (name: string, help: string, value: (limit: Limit) => number, isTold = () => true) =>
    gauge(`modelgate_controller_${name}`, help, ["gateway", "kind", "name"], (set) => {
      if (!isTold()) return;
      for (const [gateway, { limits: kinds }] of limits.entries())
        for (const limit of [...kinds.tasks.values(), ...kinds.tenants.values()])
          set({ gateway, kind: limit.kind, name: limit.name }, value(limit));
    });
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

  function gauge<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    collect: (set: (labels: Partial<Record<L, string>>, value: number) => void) => void,
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });
  }

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
