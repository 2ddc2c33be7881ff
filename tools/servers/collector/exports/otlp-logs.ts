import { type Attributes, SeverityNumber } from "@opentelemetry/api";
import { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { GENAI_ATTRIBUTES, operationOf, PROVIDER } from "../../../lib/access-log/genai.ts";
import { outcomeOf } from "../../../lib/access-log/outcome.ts";
import type { LogLine } from "../query/logs.ts";
import { type Endpoint, HttpStatusError, post } from "./endpoint.ts";
import type { Numbered, Sink } from "./export.ts";
import { hrTime, PROTOBUF, RESOURCE, SCOPE } from "./otlp.ts";

/** Fields with a name in OpenTelemetry's semantic conventions; the others are modelgate.<field>. */
const ATTRIBUTES: Record<string, string> = {
  response_code: "http.response.status_code",
  method: "http.request.method",
  path: "url.path",
  authority: "server.address",
  user_agent: "user_agent.original",
  bytes_received: "http.request.body.size",
  bytes_sent: "http.response.body.size",
  hostname: "host.name",
  response_model: GENAI_ATTRIBUTES.response_model,
  input_tokens: GENAI_ATTRIBUTES.input_tokens,
  cached_tokens: GENAI_ATTRIBUTES.cached_tokens,
  output_tokens: GENAI_ATTRIBUTES.output_tokens,
  reasoning_tokens: GENAI_ATTRIBUTES.reasoning_tokens,
};

/** What is no trace id a server refuses, and with it all lines of the request. */
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

/** What must not be sent again as it is (OTLP, "Failures": bad data), or is too much at once. */
const FOR_GOOD = new Set([400, 413]);

/** The log service of OTLP, over HTTP in protobuf. A line that alone is refused for good is given up. */
export class OtlpLogsSink implements Sink {
  readonly name = "otlp";
  private readonly endpoint: Endpoint;

  /** @param endpoint without the path /v1/logs */
  constructor(endpoint: Endpoint) {
    this.endpoint = { ...endpoint, url: `${endpoint.url.replace(/\/$/, "")}/v1/logs` };
  }

  async send(lines: Numbered[], signal: AbortSignal): Promise<number> {
    const body = ProtobufLogsSerializer.serializeRequest(lines.map(({ line }) => recordOf(line)));
    if (body === undefined) throw new Error("the lines have no form in OTLP");
    let answer: Buffer;
    try {
      answer = await post(this.endpoint, body, PROTOBUF, signal);
    } catch (error) {
      if (!(error instanceof HttpStatusError) || !FOR_GOOD.has(error.status)) throw error;
      if (lines.length === 1) return 1;
      const half = lines.length >> 1;
      return (await this.send(lines.slice(0, half), signal)) + (await this.send(lines.slice(half), signal));
    }
    if (answer.length === 0) return 0;
    const { partialSuccess } = ProtobufLogsSerializer.deserializeResponse(answer);
    return Number(partialSuccess?.rejectedLogRecords ?? 0);
  }

  async close(): Promise<void> {}
}

function recordOf(line: LogLine): ReadableLogRecord {
  const time = hrTime(Date.parse(String(line.start_time)));
  const isError = outcomeOf(line) === "server_error";
  return {
    ...{ hrTime: time, hrTimeObserved: time, resource: RESOURCE, instrumentationScope: SCOPE },
    severityNumber: isError ? SeverityNumber.ERROR : SeverityNumber.INFO,
    severityText: isError ? "ERROR" : "INFO",
    body: `${line.method ?? "-"} ${line.path ?? "-"} ${line.response_code ?? 0}`,
    attributes: attributesOf(line),
    droppedAttributesCount: 0,
    // Which span of the trace it was is not in the log.
    ...(TRACE_ID.test(String(line.trace_id)) && {
      spanContext: { traceId: String(line.trace_id), spanId: "", traceFlags: 0 },
    }),
  };
}

function attributesOf({ start_time, trace_id, phases, ...fields }: LogLine): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(fields))
    attributes[ATTRIBUTES[name] ?? `modelgate.${name}`] = value as string | number;
  for (const [stage, microseconds] of Object.entries((phases ?? {}) as Record<string, number>))
    attributes[`modelgate.phases.${stage}`] = microseconds;
  return fields.usage === undefined ? attributes : { ...attributes, ...modelAttributes(fields) };
}

/** Of a call to a language model, what the conventions for generative AI tell otherwise than a line does. */
function modelAttributes({ path, model, finish_reason }: LogLine): Attributes {
  return {
    [GENAI_ATTRIBUTES.operation]: operationOf(String(path ?? "")),
    [GENAI_ATTRIBUTES.provider]: PROVIDER,
    ...(model !== undefined && { [GENAI_ATTRIBUTES.model]: String(model) }),
    ...(finish_reason !== undefined && { [GENAI_ATTRIBUTES.finish_reason]: [String(finish_reason)] }),
  };
}
