import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { EventType, TimelineEvent, Traffic } from "../../../tools/servers/collector/page/api.ts";
import { pageHandler } from "../../../tools/servers/collector/page.ts";

const STARTED = Date.now();
const BUCKETS = Array.from({ length: 40 }, (_, i) => 2 ** (i / 2.5));
/** Clients choose what task they name. */
export const HOSTILE_TASK = `"><img src=x onerror="document.title='owned'">&tenant=ads`;
const BUDGETS = [
  { tenant: "assistant", budget: "monthly", limit: 2_000_000_000, spent: 1_630_000_000, used_percent: 81.5 },
  { tenant: "assistant", budget: "daily/app", limit: 4_000_000, spent: 4_100_000, used_percent: 102.5 },
  { tenant: "search", budget: "weekly", limit: 9_000_000, spent: 90_000, used_percent: 1 },
];
const TENANTS = ["search", "ads", "feed", "risk", "assistant"];

export interface FakeCollector {
  url: string;
  /** What the next requests are answered with: as usual, with no row, or with a fault. */
  mood: "busy" | "silent" | "broken";
  /** Paths with query of the API requests so far. */
  asked: string[];
  stop(): Promise<void>;
}

/**
 * The collector's HTTP API with made-up numbers of a fleet of `taskCount` tasks, always the same for the same start and minute, and the
 * real page in front of it.
 */
export async function startFakeCollector(taskCount: number): Promise<FakeCollector> {
  const page = pageHandler();
  const fleet = Array.from({ length: taskCount }, (_, i) => ({
    tenant: TENANTS[i % TENANTS.length] as string,
    taskid:
      i % 7 === 0 ? String(666 + i) : `${["rank", "embed", "classify", "rerank", "vision"][i % 5]}-${i}`,
    share: 1 / (i + 1) ** 0.8,
    failing: i % 41 === 7,
    pace: 0.4 + ((i * 37) % 50) / 20,
  }));
  Object.assign(fleet.at(-1) as object, { taskid: HOSTILE_TASK });
  const server = createServer((request, response) => {
    if (!page(request, response)) answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const collector: FakeCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mood: "busy",
    asked: [],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", collector.url);
    collector.asked.push(url.pathname + url.search);
    if (collector.mood === "broken") {
      response.writeHead(503, { "content-type": "application/json" }).end('{"error":"the store is locked"}');
      return;
    }
    const query = url.searchParams;
    const name = url.pathname.replace("/api/v1/", "");
    const answers: Record<string, () => object> = {
      traffic: () => traffic(query),
      heatmap: () => heatMap(query),
      events: () => events(query),
      settings: () => ({ trace_url: "https://traces.example/trace/{trace_id}" }),
      spend: () => ({ rows: spenders(query) }),
      budgets: () => ({ budgets: BUDGETS }),
      limits: () => ({ limits: [{ requests_per_second: 240 }] }),
    };
    if (name === "logs") {
      response.writeHead(200, { "content-type": "application/x-ndjson" }).end(logs(query));
      return;
    }
    const body = answers[name]?.();
    response
      .writeHead(body ? 200 : 404, { "content-type": "application/json" })
      .end(JSON.stringify(body ?? {}));
  }

  function chosen(query: URLSearchParams) {
    if (collector.mood === "silent") return [];
    return fleet.filter(
      ({ tenant, taskid }) =>
        [null, tenant].includes(query.get("tenant")) && [null, taskid].includes(query.get("taskid")),
    );
  }

  function traffic(query: URLSearchParams): object {
    const { from, to, step } = span(query);
    const tasks = chosen(query);
    const by = (query.get("by") ?? "").split(",").filter(Boolean);
    const share = tasks.reduce((sum, task) => sum + task.share, 0);
    const failing = tasks.some((task) => task.failing) && tasks.length === 1;
    if (share === 0) return { rows: [] };
    if (step > 0) {
      const rows: Traffic[] = [];
      for (let time = from; time < to; time += step)
        rows.push({ time: new Date(time).toISOString(), ...numbers(share, time, step, failing) });
      return { step: step / 1000, rows };
    }
    const whole = (share: number, failing: boolean, pace = 1) =>
      numbers(share, to - 1_650_000, to - from, failing, pace);
    const rows: Partial<Traffic>[] = by.includes("taskid")
      ? tasks.map(({ tenant, taskid, share, failing, pace }) => ({
          tenant,
          taskid,
          ...whole(share, failing, pace),
        }))
      : by.includes("tenant")
        ? TENANTS.map((tenant) => {
            const own = tasks.filter((task) => task.tenant === tenant);
            return {
              tenant,
              ...whole(
                own.reduce((sum, task) => sum + task.share, 0),
                false,
              ),
            };
          })
        : by.includes("version")
          ? ["v1", "v2"].flatMap((version) =>
              ["search-gateway", "search-gateway-b"].map((gateway, i) => ({
                version,
                gateway,
                ...whole(share * (version === "v1" ? 0.36 : 0.09) * (i + 1), failing && version === "v2"),
              })),
            )
          : [whole(share, failing)];
    return { rows };
  }

  /** Thirty credentials call language models, more each than the one before. */
  function spenders(query: URLSearchParams): object[] {
    if (collector.mood === "silent") return [];
    return Array.from({ length: 30 }, (_, i) => ({
      ...{ tenant: "assistant", taskid: i % 2 ? "vision-4" : "vision-9", credential: `app-${i}` },
      ...calls(100 * (i + 1), query.get("to") ? Date.parse(query.get("to") as string) : STARTED),
    }));
  }

  function heatMap(query: URLSearchParams): object {
    const { from, to, step } = span(query);
    const share = chosen(query).reduce((sum, task) => sum + task.share, 0);
    const rows: object[] = [];
    for (let time = from; time < to && share > 0; time += step) {
      const slow = slowness(time);
      const counts = BUCKETS.map((upper) => {
        const bell = (center: number, width: number) => Math.exp(-((Math.log(upper / center) / width) ** 2));
        return Math.round(
          share * (step / 60_000) * (9000 * bell(22 * slow, 0.45) + 900 * bell(140 * slow, 0.7)) * wave(time),
        );
      });
      rows.push({ time: new Date(time).toISOString(), counts });
    }
    return { step: step / 1000, buckets: BUCKETS, rows };
  }

  function events(query: URLSearchParams): object {
    const { from, to } = span(query);
    const event = (
      share: number,
      type: EventType,
      reason: string,
      message: string,
      more = {},
    ): TimelineEvent => ({
      time: new Date(from + share * (to - from)).toISOString(),
      ...{ type, reason, message, gateway: "search-gateway", ...more },
    });
    if (collector.mood === "silent") return { events: [] };
    return {
      events: [
        event(0.18, "limit", "LimitLowered", "120 → 90 requests/s: 3 of 4 replicas are ready", {
          taskid: "666",
        }),
        event(0.31, "rollout", "RolloutStarted", "step 5 %: sha256:4f1c2ab0", { tenant: "search" }),
        event(0.42, "rollout", "RolloutStep", "step 25 %", { tenant: "search" }),
        event(0.45, "kubernetes", "ScalingReplicaSet", "Scaled up service-666 to 5", {
          source: "Deployment/service-666",
        }),
        event(0.451, "kubernetes", "Scheduled", "assigned to gpu-node-17", {
          source: "Pod/service-666-7d9f",
        }),
        event(0.455, "kubernetes", "Pulled", "image is present", { source: "Pod/service-666-7d9f" }),
        event(0.56, "alert", "ModelgateErrorBudgetBurn", "errors are 14 times the budget", {
          tenant: "search",
        }),
        event(0.6, "rollout", "RolloutRolledBack", "errors 3.1 % beside 0.2 %", { tenant: "search" }),
        event(0.66, "limit", "LimitRaised", "90 → 120 requests/s", { taskid: "666" }),
        event(0.81, "kubernetes", "Unhealthy", "Readiness probe failed: HTTP 503", {
          source: "Pod/service-667-x2k1",
        }),
      ],
    };
  }

  function logs(query: URLSearchParams): string {
    const { to } = span(query);
    const lines = Array.from({ length: collector.mood === "silent" ? 0 : 60 }, (_, i) => ({
      start_time: new Date(to - (60 - i) * 17_300).toISOString(),
      ...(i % 4 === 0
        ? { response_code: 503, response_flags: "UF", duration: 1003 }
        : { response_code: 429, reason: "task_rate_limited", duration: 0 }),
      method: "POST",
      path: "/v2/models/rank/infer",
      version: i % 3 ? "v1" : "v2",
      credential: "app",
      request_id: `6f1e0c${(i * 7919).toString(16)}-41`,
    }));
    return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  return collector;
}

function span(query: URLSearchParams): { from: number; to: number; step: number } {
  const step = Number((query.get("step") ?? "60").replace("s", "")) * 1000;
  return { from: Date.parse(query.get("from") ?? ""), to: Date.parse(query.get("to") ?? ""), step };
}

/** The course of a day, with the roughness of traffic. */
function wave(time: number): number {
  const minutes = time / 60_000;
  return 1 + 0.16 * Math.sin(minutes / 19) + 0.05 * Math.sin(minutes * 1.7) + 0.03 * Math.sin(minutes * 5.1);
}

/** From half an hour to 18 minutes ago the models were slow. */
function slowness(time: number): number {
  const minutesAgo = (STARTED - time) / 60_000;
  return minutesAgo > 18 && minutesAgo < 30 ? 1 + 2 * Math.sin(((minutesAgo - 18) / 12) * Math.PI) : 1;
}

function numbers(share: number, time: number, length: number, failing: boolean, pace = 1): Traffic {
  const seconds = length / 1000;
  const requests = Math.round(share * 180 * wave(time) * seconds);
  const slow = slowness(time);
  const errors = Math.round(requests * (failing ? 0.06 : 0.0008 * pace * slow ** 3));
  const limited = Math.round(requests * 0.012 * slow * pace ** 2);
  const unknown = Math.round(requests * 0.004);
  const malformed = Math.round(requests * 0.003);
  const forbidden = Math.round(requests * 0.0015 * wave(time * 3));
  return {
    requests,
    qps: requests / seconds,
    served: requests - errors - malformed - limited - unknown - forbidden,
    errors,
    client_errors: malformed,
    refused: limited + unknown + forbidden,
    would_refuse: Math.round(requests * 0.001),
    reasons: { task_rate_limited: limited, credential_unknown: unknown, task_forbidden: forbidden },
    codes: { 200: requests - errors - malformed - limited, 400: malformed, 429: limited, 503: errors },
    p50: 21.3 * pace * slow * (failing ? 2 : 1),
    p90: 74 * pace * slow ** 1.2,
    p99: 212 * pace * slow ** 1.3 * (failing ? 3 : 1),
    bytes_received: requests * 570_000,
    bytes_sent: requests * 1_800,
    in_flight: (requests * 0.034 * slow * pace) / seconds,
    models: calls(Math.round(requests / 20), time),
  };
}

/** Calls to language models. */
function calls(number: number, time: number): NonNullable<Traffic["models"]> {
  const slow = slowness(time);
  return {
    ...{ calls: number, input_tokens: number * 830, output_tokens: Math.round(number * 190 * wave(time)) },
    ...{ estimated: Math.round(number * 0.02), aborted: Math.round(number * 0.013) },
    costs: { EUR: number * 2_100 },
    time_to_first_token: { p50: 140 * slow, p90: 420 * slow, p99: 1_350 * slow },
    time_per_output_token: { p50: 21 * slow, p90: 34 * slow, p99: 61 * slow },
  };
}
