/** A stand-in for an OpenTelemetry collector that keeps the spans that come by OTLP over HTTP. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";

/** Of opentelemetry/proto/trace/v1/trace.proto what the tests look at. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request { repeated Resource resource_spans = 1; }
message Resource { repeated Scope scope_spans = 2; }
message Scope { repeated Span spans = 2; }
message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6; repeated Attribute attributes = 9; }
message Attribute { string key = 1; Value value = 2; }
message Value { string string_value = 1; }`);

export interface Span {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  kind: number;
  attributes: { key: string; value?: { stringValue: string } }[];
}

export interface SpanReceiver {
  url: URL;
  spans: Span[];
  stop(): void;
}

export async function startSpanReceiver(port = 0, host = "127.0.0.1"): Promise<SpanReceiver> {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const sent = root.lookupType("Request").decode(body) as unknown as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
    };
    spans.push(...sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)));
    response.end();
  });
  await once(server.listen(port, host), "listening");
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    spans,
    stop: () => server.close().closeAllConnections(),
  };
}

/** Attributes of a span by their names. */
export function attributesOf(span: Span | undefined): Record<string, string | undefined> {
  return Object.fromEntries(span?.attributes.map(({ key, value }) => [key, value?.stringValue]) ?? []);
}
