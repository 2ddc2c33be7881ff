/** A line of the access log, as far as traffic metrics read it. */
export interface Line {
  start_time: string;
  duration: number;
  response_code: number;
  response_flags?: string;
  grpc_status?: string;
  bytes_received: number;
  bytes_sent: number;
  hostname: string;
  request_id?: string;
  gateway?: string;
  tenant?: string;
  taskid?: string;
  version?: string;
  decision?: string;
  reason?: string;
  would_refuse?: string;
  credential?: string;
  usage?: string;
  input_tokens?: number;
  cached_tokens?: number;
  output_tokens?: number;
  reasoning_tokens?: number;
  time_to_first_token_us?: number;
  time_per_output_token_us?: number;
  aborted?: string;
  cost_micros?: number;
  currency?: string;
}

export const START = Date.parse("2026-11-20T10:00:00Z");

/** Lines of `minutes` minutes in the order of their ends, the same ones each time; all kinds of outcomes are among them. */
export function logLines(count: number, minutes: number): Line[] {
  const random = generator(9);
  const pick = <T>(values: T[]): T => values[Math.floor(random() * values.length)] as T;
  const lines = Array.from({ length: count }, (_, i): Line => {
    const task = pick(["666", "667", "search-rank", ""]);
    const line: Line = {
      start_time: new Date(START + Math.floor((i / count) * minutes * 60_000)).toISOString(),
      duration: Math.floor(Math.exp(random() * random() * 9) - 0.5),
      response_code: pick([200, 200, 200, 200, 200, 200, 400, 404, 503, 0]),
      bytes_received: Math.floor(random() * 1e6),
      bytes_sent: Math.floor(random() * 1e5),
      hostname: pick(["gateway-a", "gateway-b"]),
      gateway: "search-gateway",
      tenant: pick(["search", "ads"]),
      ...(task && { taskid: task, version: pick(["v1", "v2"]) }),
    };
    if (i % 97 > 0) line.request_id = `request-${i}`;
    if (i % 11 === 0)
      Object.assign(line, { response_code: 429, reason: "task_rate_limited", decision: "refused" });
    if (i % 13 === 0) Object.assign(line, { response_code: 401, reason: "credential_unknown" });
    if (i % 17 === 0)
      Object.assign(line, { response_code: 200, grpc_status: pick(["OK", "Unavailable", "NotFound"]) });
    if (i % 23 === 0) line.response_flags = pick(["DC", "UF,URX", "UC", "-"]);
    if (i % 19 === 0) Object.assign(line, { would_refuse: "tenant_rate_limited" });
    if (i % 5 === 0) Object.assign(line, modelCall(i));
    return line;
  });
  return lines.sort((a, b) => end(a) - end(b));
}

/** What a line has of a call to a language model, from the line's number. */
function modelCall(i: number): Partial<Line> {
  const isCut = i % 35 === 0;
  return {
    ...{ taskid: "llm", credential: `app-${i % 3}`, usage: isCut ? "estimated" : "reported" },
    ...{ input_tokens: i % 4_001, cached_tokens: i % 97, output_tokens: i % 701, reasoning_tokens: i % 53 },
    ...(isCut && { aborted: "caller" }),
    ...(i % 2 === 0 && {
      time_to_first_token_us: (i * 7_919) % 3_000_000,
      time_per_output_token_us: (i * 31) % 90_000,
    }),
    ...(i % 15 > 0 && { cost_micros: i % 9_001, currency: i % 20 === 0 ? "USD" : "EUR" }),
  };
}

function end({ start_time, duration }: Line): number {
  return Date.parse(start_time) + duration;
}

/** Uniform numbers in [0, 1) from a seed (Mulberry32, public domain). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}
