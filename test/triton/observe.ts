import type { Case } from "./cases.ts";

/** What a client reads out of an answer; equal observations are the same to it. */
export interface Observation {
  status: number;
  /** Of an answer that is no error. */
  type?: string | undefined;
  body: unknown;
}

/**
 * JSON as Triton writes it: with NaN and infinities, which become text here; integers beyond 2^53 stay their
 * text.
 */
function readJson(text: string): unknown {
  const json = text.replace(/(?<=[[,:])(-?Infinity|NaN)(?=[,\]}])/g, '"$1"');
  const keep = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
      ? context?.source
      : value;
  return JSON.parse(json, keep as Parameters<typeof JSON.parse>[1]);
}

/** The objects of a stream of events. */
function readEvents(text: string): unknown[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((event) => JSON.parse(event.replace(/^data: /, "")));
}

interface Output {
  name: string;
  datatype: string;
  data?: unknown[];
  parameters?: { binary_data_size?: number };
}

/** The data of an output as a client has it: FP32 rounded to FP32, binary data as hex. */
function readOutput(output: Output, binary: Buffer): void {
  const size = output.parameters?.binary_data_size;
  if (size !== undefined) output.data = [binary.toString("hex", 0, size)];
  else if (output.datatype === "FP32")
    output.data = (output.data ?? []).map((value) =>
      typeof value === "number" ? Math.fround(value) : value,
    );
}

/** The model `told` says what reached it: but for headers. */
function withoutHeaders(output: Output): void {
  const told = JSON.parse(String(output.data?.[0]));
  for (const name of Object.keys(told.parameters)) if (!name.startsWith("p")) delete told.parameters[name];
  output.data = [told];
}

/** Where a server writes its log is not the same twice. */
function withoutFiles(body: unknown): unknown {
  return typeof body === "object" && body !== null && "log_file" in body ? { ...body, log_file: "" } : body;
}

/** Counters and times are not the same twice. */
function withoutCounts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCounts);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutCounts(member)]));
  return typeof value === "number" ? 0 : value;
}

/** Sends a case to `server`, `host:port`. */
export async function observe(server: string, { path, ...asked }: Case, headers = {}): Promise<Observation> {
  const response = await fetch(`http://${server}${path}`, {
    method: asked.method,
    headers: { ...asked.headers, ...headers },
    ...(asked.body !== undefined && { body: asked.body }),
  });
  const bytes = Buffer.from(await response.arrayBuffer().catch(() => new ArrayBuffer()));
  const length = Number(response.headers.get("inference-header-content-length") ?? bytes.length);
  const text = bytes.toString("utf8", 0, length);
  if (response.ok && text === "" && path.endsWith("/infer"))
    return { status: response.status, body: "cut off" };
  let body: unknown = text;
  const events = response.headers.get("content-type")?.startsWith("text/event-stream");
  try {
    body = events ? readEvents(text) : readJson(text);
  } catch {
    // It stays text.
  }
  if (!response.ok) return { status: response.status, body: (body as { error?: unknown }).error ?? body };
  let at = length;
  const outputs = path.endsWith("/infer") ? (body as { outputs: Output[] }).outputs : [];
  for (const output of outputs) {
    readOutput(output, bytes.subarray(at));
    at += output.parameters?.binary_data_size ?? 0;
    if (path.includes("/told/")) withoutHeaders(output);
  }
  const type = text === "" ? undefined : (response.headers.get("content-type") ?? undefined);
  return {
    status: response.status,
    type,
    body: path.endsWith("/stats") ? withoutCounts(body) : withoutFiles(body),
  };
}
