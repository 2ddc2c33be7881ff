/** The log line of a call to a language model: the filter that reads bodies, then the gateway's, as they stand in Envoy. */
import { beforeEach, describe, expect, it } from "vitest";
import { decodeBatch } from "../../tools/lib/access-log/decode-batch.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf, KEY } from "../support/auth.ts";

const MILLISECOND = 1_000_000n;
const JSON_TYPE = "application/json";
const MODEL_NAME = {
  ...{ maxBodyBytes: 1_000_000, maxHeldBytes: 1_000_000, credentialHeaders: ["authorization"] },
  counted: ["llm", "mine"],
};
const GATEWAY = {
  tenantAuth: {
    tenants: [
      { tenant: "search", credentials: [{ id: "app", sha256: digestOf(KEY) }], tasks: [{ task: "*" }] },
    ],
    languageModels: [{ taskid: "llm", models: ["llm", "mine"] }],
  },
  ...{ rateLimit: {}, protocolConversion: {}, accessLog: {} },
  tokenLimit: { tasks: [{ taskid: "llm" }] },
};

let host: HostProcess;
let front: Vm;
let gateway: Vm;

function configure(gatewayConfig: object): void {
  host = new HostProcess();
  gateway = new Vm(modulePath("gateway"), host);
  front = new Vm(modulePath("gateway"), host);
  for (const vm of [front, gateway]) vm.encoding = "latin1";
  expect(front.configure({ modelName: MODEL_NAME }), front.logs.at(-1)).toBe(true);
  expect(gateway.configure(gatewayConfig), gateway.logs.at(-1)).toBe(true);
}
beforeEach(() => configure(GATEWAY));

const chat = (members: object = {}) => ({ model: "mine", messages: [], ...members });

/** A call up to where the model answers. */
function call(body: object = chat({ stream: true }), path = "/v1/chat/completions"): Stream {
  const bytes = Buffer.from(JSON.stringify(body));
  const before = front.open({
    ...{ ":method": "POST", ":path": path, authorization: `Bearer ${KEY}` },
    "content-length": String(bytes.length),
  });
  const passed = before.sendRequestBody(bytes);
  const stream = gateway.open(before.requestHeaders, false, Object.fromEntries(before.filterState));
  before.close();
  if (!stream.reply) stream.sendRequestBody(passed);
  return stream;
}

/** The line of a stream that is over, without what lines of all calls have. */
function line(stream: Stream): Record<string, unknown> {
  stream.close();
  const members = JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`);
  for (const name of ["a", "method", "path", "tenant", "credential", "taskid", "decision"])
    delete members[name];
  return members;
}

/** Pieces of an answer, each so many milliseconds after the one before; the last ends it unless it broke off. */
function answer(
  stream: Stream,
  pieces: [text: string, milliseconds?: number][],
  { type = "text/event-stream", ends = true, status = "200" } = {},
): void {
  pieces.forEach(([text, milliseconds = 0], at) => {
    host.now += BigInt(milliseconds) * MILLISECOND;
    const last = ends && at === pieces.length - 1;
    if (at === 0)
      stream.respond(
        [
          [":status", status],
          ["content-type", type],
        ],
        Buffer.from(text),
        undefined,
        last,
      );
    else stream.respondMore(Buffer.from(text), last);
  });
}

const event = (data: object | string) =>
  `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const piece = (members: object = { delta: { content: "a" }, finish_reason: null }) =>
  event({ id: "1", model: "tiny-1b", choices: [{ index: 0, ...members }] });
const usage = (input: number, output: number, others: object = {}) => ({
  usage: { prompt_tokens: input, completion_tokens: output, ...others },
});
const DONE = event("[DONE]");

describe("a stream", () => {
  it("whose model tells its usage", () => {
    const stream = call();
    const details = {
      prompt_tokens_details: { cached_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    answer(stream, [
      [piece({ delta: { role: "assistant" } }), 120],
      [piece(), 30],
      [piece({ delta: {}, finish_reason: "stop" }), 30],
      [event({ choices: [], ...usage(30, 4, details) }) + DONE, 0],
    ]);
    expect(line(stream)).toEqual({
      model: "mine",
      ...{ response_model: "tiny-1b", finish_reason: "stop", usage: "reported" },
      ...{ input_tokens: 30, cached_tokens: 20, output_tokens: 4, reasoning_tokens: 1 },
      ...{ time_to_first_token_us: 120_000, time_per_output_token_us: 20_000 },
    });
  });

  it("whose caller hangs up: what was delivered, as an estimate", () => {
    const stream = call();
    answer(
      stream,
      [
        [piece(), 50],
        [piece(), 10],
        [piece() + piece(), 20],
      ],
      { ends: false },
    );
    stream.properties.set("response\0flags", 1n << 14n);
    const bytes = JSON.stringify(chat({ stream: true })).length;
    expect(line(stream)).toEqual({
      ...{ model: "mine", response_model: "tiny-1b", usage: "estimated", aborted: "caller" },
      ...{ input_tokens: Math.ceil(bytes * 0.25), cached_tokens: 0, output_tokens: 4, reasoning_tokens: 0 },
      ...{ time_to_first_token_us: 50_000, time_per_output_token_us: 10_000 },
    });
  });

  it("that the model server breaks off", () => {
    const stream = call();
    answer(stream, [[piece() + event({ choices: [], ...usage(9, 1) }), 50]], { ends: false });
    stream.properties.set("response\0flags", 1n << 6n);
    expect(line(stream)).toMatchObject({
      usage: "reported",
      aborted: "server",
      input_tokens: 9,
      output_tokens: 1,
    });
  });

  it("however it is cut, also into single bytes", () => {
    const text =
      piece() + piece({ delta: {}, finish_reason: "length" }) + event({ choices: [], ...usage(3, 2) });
    const stream = call();
    answer(
      stream,
      [...text].map((byte) => [byte]),
    );
    expect(line(stream)).toMatchObject({
      ...{ response_model: "tiny-1b", finish_reason: "length", input_tokens: 3, output_tokens: 2 },
    });
  });

  it("of the Responses API", () => {
    const stream = call(chat({ stream: true }), "/v1/responses");
    const response = { model: "tiny-1b", status: "in_progress", usage: null };
    const done = { ...response, status: "incomplete", usage: { input_tokens: 5, output_tokens: 7 } };
    answer(stream, [
      [event({ type: "response.created", response }), 10],
      [event({ type: "response.output_text.delta", delta: "a" }), 10],
      [event({ type: "response.incomplete", response: done })],
    ]);
    expect(line(stream)).toMatchObject({
      ...{ response_model: "tiny-1b", finish_reason: "incomplete", input_tokens: 5, output_tokens: 7 },
    });
  });
});

describe("an answer in one", () => {
  const json = (body: object, status = "200", ends = true): Record<string, unknown> => {
    const stream = call(chat());
    answer(stream, [[JSON.stringify(body), 70]], { type: JSON_TYPE, status, ends });
    return line(stream);
  };

  it("has no times of tokens", () => {
    const choices = [
      { message: { content: "a", usage: { prompt_tokens: 99 } }, finish_reason: "tool_calls" },
    ];
    expect(json({ model: "tiny-1b", choices, ...usage(30, 4) })).toEqual({
      model: "mine",
      ...{ response_model: "tiny-1b", finish_reason: "tool_calls", usage: "reported" },
      ...{ input_tokens: 30, cached_tokens: 0, output_tokens: 4, reasoning_tokens: 0 },
    });
  });

  it("of several choices tells the last one's end", () => {
    const choices = [{ finish_reason: "stop" }, { finish_reason: "length" }];
    expect(json({ choices, ...usage(1, 1) }).finish_reason).toBe("length");
  });

  it("that is an error tells the model alone", () => {
    expect(json({ error: { message: "no" } }, "500")).toEqual({ model: "mine" });
  });

  it("a model's name and end are any bytes", () => {
    const text = '"\u0000\\e';
    expect(json({ model: text, choices: [{ finish_reason: "}" }], ...usage(1, 1) })).toMatchObject({
      finish_reason: "}",
      response_model: text,
    });
  });
});

it("calls that are none of a language model have none of it", () => {
  const headers = {
    ...{ ":method": "POST", ":path": "/v2/models/m/infer", authorization: `Bearer ${KEY}`, taskid: "plain" },
  };
  const stream = gateway.open(headers, true);
  answer(stream, [[JSON.stringify({ ...usage(30, 4) })]], { type: JSON_TYPE });
  expect(line(stream)).toEqual({ model: "m" });
});

it("a context that is used again keeps nothing of the call before", () => {
  const first = call();
  answer(first, [[piece({ finish_reason: "stop" }) + event({ choices: [], ...usage(3, 2) })]]);
  line(first);
  const second = call();
  answer(second, [[event({ choices: [], ...usage(1, 0) })]]);
  expect(line(second)).toEqual({
    ...{ model: "mine", usage: "reported", input_tokens: 1, cached_tokens: 0, output_tokens: 0 },
    ...{ reasoning_tokens: 0, time_to_first_token_us: 0 },
  });
});

it("in batches of protobuf stands the same", () => {
  configure({ ...GATEWAY, accessLog: { collector: { cluster: "collector", format: "protobuf" } } });
  const stream = call();
  const details = { completion_tokens_details: { reasoning_tokens: 1 } };
  answer(stream, [
    [piece(), 50],
    [piece({ finish_reason: "stop" }) + event({ choices: [], ...usage(3, 2, details) }), 9],
  ]);
  stream.close();
  for (let i = 0; i < 3; i++) {
    host.now += 1000n * MILLISECOND;
    gateway.tick();
  }
  const body = gateway.callouts.map((each) => Buffer.from(String(each.body), "latin1"));
  expect([...decodeBatch(Buffer.concat(body))]).toEqual([
    expect.objectContaining({
      ...{ model: "mine", response_model: "tiny-1b", finish_reason: "stop", usage: "reported" },
      ...{ input_tokens: 3, cached_tokens: 0, output_tokens: 2, reasoning_tokens: 1 },
      ...{ time_to_first_token_us: 50_000, time_per_output_token_us: 9_000 },
    }),
  ]);
});
