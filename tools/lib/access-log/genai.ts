/**
 * OpenTelemetry's semantic conventions for generative AI, as far as they are used: their status is
 * Development, so names may change, and stand here alone. docs/reference/metrics.md has the same table.
 */
export const GENAI_VERSION =
  "open-telemetry/semantic-conventions-genai at 004902b, over semantic conventions 1.42.0";

/** Each call speaks OpenAI's API, whoever serves it: the conventions tell formats apart by this. */
export const PROVIDER = "openai";

/** Attributes by fields of a log line; `operation` follows from its path. */
export const GENAI_ATTRIBUTES = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  model: "gen_ai.request.model",
  response_model: "gen_ai.response.model",
  finish_reason: "gen_ai.response.finish_reasons",
  input_tokens: "gen_ai.usage.input_tokens",
  cached_tokens: "gen_ai.usage.cache_read.input_tokens",
  output_tokens: "gen_ai.usage.output_tokens",
  reasoning_tokens: "gen_ai.usage.reasoning.output_tokens",
  token_type: "gen_ai.token.type",
} as const;

/** A histogram: its name, unit (UCUM), and the bounds that the conventions want. */
export interface GenAiMetric {
  name: string;
  description: string;
  unit: string;
  bounds: readonly number[];
}

const times2 = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => Number((first * 2 ** i).toPrecision(4)));

export const GENAI_METRICS = {
  tokens: {
    name: "gen_ai.client.token.usage",
    description: "Input and output tokens of calls whose model told them.",
    unit: "{token}",
    bounds: Array.from({ length: 14 }, (_, i) => 4 ** i),
  },
  duration: {
    name: "gen_ai.server.request.duration",
    description: "How long calls took that a model answered.",
    unit: "s",
    bounds: times2(0.01, 14),
  },
  time_to_first_token_us: {
    name: "gen_ai.server.time_to_first_token",
    description: "From the end of a request to the first event of its streamed answer.",
    unit: "s",
    bounds: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  time_per_output_token_us: {
    name: "gen_ai.server.time_per_output_token",
    description: "Between two output tokens of a streamed answer, on average.",
    unit: "s",
    bounds: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  },
} as const satisfies Record<string, GenAiMetric>;

/** A name as Prometheus writes it, as OpenTelemetry's own translation has it. */
export function prometheusName(name: string, unit = ""): string {
  return name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "");
}

/** The operation of a call by the path that its caller used. */
export function operationOf(path: string): string {
  if (path.includes("/embeddings")) return "embeddings";
  return path.includes("/completions") && !path.includes("/chat/") ? "text_completion" : "chat";
}

/** The same as an expression over a column `path`, in SQL that DuckDB and Flink share. */
export const OPERATION_SQL = `CASE WHEN path LIKE '%/embeddings%' THEN 'embeddings'
  WHEN path LIKE '%/completions%' AND path NOT LIKE '%/chat/%' THEN 'text_completion' ELSE 'chat' END`;
