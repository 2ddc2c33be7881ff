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

export function toText(lines: Record<string, unknown>[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
