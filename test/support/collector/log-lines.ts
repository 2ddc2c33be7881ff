import { randomBytes, randomUUID } from "node:crypto";

/** A log line as the gateway writes it. */
export function logLine(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    start_time: new Date().toISOString(),
    duration: 12,
    protocol: "HTTP/1.1",
    response_code: 200,
    response_flags: "-",
    bytes_received: 600,
    bytes_sent: 1200,
    downstream_local_address: "10.0.3.17:8866",
    downstream_remote_address: "10.2.7.7:30211",
    upstream_host: "10.1.2.5:8866",
    hostname: "search-gateway-7d9f8c6b5-x2kq",
    authority: "a.search.models.example",
    method: "POST",
    path: "/v2/models/linear/infer",
    user_agent: "python-httpx/0.27.0",
    request_id: randomUUID(),
    trace_id: randomBytes(16).toString("hex"),
    gateway: "gateways/search",
    tenant: "search",
    credential: "search-batch",
    taskid: "666",
    version: "v1",
    decision: "allowed",
    phases: { tenant_auth: 3, rate_limit: 2 },
    ...fields,
  };
}

/** The line of a call to a language model that answered in a stream. */
export function modelCall(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return logLine({
    ...{ path: "/v1/chat/completions", taskid: "llm", model: "chat", response_model: "tiny-1b" },
    ...{ finish_reason: "stop", usage: "reported", duration: 900 },
    ...{ input_tokens: 100, cached_tokens: 40, output_tokens: 20, reasoning_tokens: 5 },
    ...{ time_to_first_token_us: 120_000, time_per_output_token_us: 30_000 },
    ...{ cost_micros: 700, currency: "EUR" },
    ...fields,
  });
}

export function toText(lines: Record<string, unknown>[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
