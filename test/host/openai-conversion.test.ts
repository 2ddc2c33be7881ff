import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import {
  conversionVm,
  frame,
  GRPC_HEADERS,
  ModelInferResponse,
  ModelStreamInferResponse,
} from "../support/conversion.ts";
import { LANGUAGE_MODEL, OPEN_AI, openGenerate, type Sent, sentOf, textsOf } from "../support/generate.ts";

/** Callers of OpenAI's API, of a task whose model server speaks the Open Inference Protocol. */

const CHAT = "/v1/chat/completions";
const ONE_REPLY = { ...LANGUAGE_MODEL, decoupled: false };

type Inputs = Record<"text_input" | "stream" | "max_tokens" | "temp" | "stop", Sent["inputs"][string]>;
type Called = Omit<Sent, "inputs"> & { inputs: Inputs; rpc: string };

let vm: Vm;
let oneReply: Vm;
beforeAll(() => {
  const settings = { tasks: [{ taskid: "1", openAi: OPEN_AI }], maxRequestBytes: 4_000_000 };
  vm = conversionVm(settings);
  oneReply = conversionVm(settings);
});

function send(body: unknown, path = CHAT, chunkSize?: number) {
  const json = typeof body === "string" ? body : JSON.stringify(body);
  const stream = openGenerate(vm, LANGUAGE_MODEL, path);
  const bytes = stream.reply ? Buffer.of() : stream.sendRequestBody(Buffer.from(json), chunkSize);
  stream.close();
  if (stream.reply) return { status: stream.reply.status, error: JSON.parse(stream.reply.body).error };
  return { ...sentOf(bytes), rpc: stream.header(":path") } as Called & { status?: never; error?: never };
}

const user = (content: unknown) => ({ role: "user", content });
const promptOf = (sent: ReturnType<typeof send>) => textsOf((sent as Called).inputs.text_input.data);

describe("a request", () => {
  it("has its messages as one text, and what the mapping names", () => {
    const sent = send({
      model: "any",
      messages: [
        { role: "system", content: 'Be "kind".' },
        { content: "Grüße \u{1f600}", name: "x", role: "user" },
      ],
      max_completion_tokens: 16,
      temperature: 0.5,
      top_p: 0.25,
      stop: ["a", "b"],
      seed: null,
      user: "u",
      metadata: { a: [1] },
      n: 1,
      tools: null,
      logprobs: false,
    }) as Called;
    expect(promptOf(sent as never)).toEqual([
      '<s><|system|>Be "kind".</s><|user|>Grüße \u{1f600}</s><|assistant|>',
    ]);
    expect(sent.inputs.max_tokens.data.readInt32LE()).toBe(16);
    expect(sent.inputs.temp.data.readFloatLE()).toBe(0.5);
    expect(textsOf(sent.inputs.stop.data)).toEqual(["a", "b"]);
    expect(sent.inputs.stream.data).toEqual(Buffer.of(0));
    expect(Object.keys(sent.inputs).sort()).toEqual(["max_tokens", "stop", "stream", "temp", "text_input"]);
    expect(sent.parameters).toEqual({ top_p: 0.25 });
    expect(sent.rpc).toBe("/inference.GRPCInferenceService/ModelStreamInfer");
  });

  it("of a stream says so, and has its end marked", () => {
    const sent = send({ messages: [user("a")], stream: true }) as Called;
    expect(sent.inputs.stream.data).toEqual(Buffer.of(1));
    expect(sent.parameters).toEqual({ triton_enable_empty_final_response: true });
  });

  it("may have content in parts, or none", () => {
    const parts = [
      { type: "text", text: "a" },
      { text: "b", type: "text" },
    ];
    const messages = [user(parts), { role: "assistant", content: null }, user("")];
    expect(promptOf(send({ messages }))).toEqual([
      "<s><|user|>ab</s><|assistant|></s><|user|></s><|assistant|>",
    ]);
  });

  it("of completions and embeddings has a prompt and inputs", () => {
    expect(promptOf(send({ prompt: "a b" }, "/v1/completions"))).toEqual(["a b"]);
    expect(promptOf(send({ prompt: ["a b"] }, "/openai/v1/completions?x=1"))).toEqual(["a b"]);
    expect(promptOf(send({ input: ["a", "b"] }, "/v1/embeddings"))).toEqual(["a", "b"]);
  });

  it.each<[string, string, unknown, string]>([
    ["tools", CHAT, { messages: [user("a")], tools: [{}] }, "takes no such parameter at byte 52 (tools)"],
    ["log probabilities", CHAT, { messages: [user("a")], logprobs: true }, "no such parameter"],
    ["several choices", CHAT, { messages: [user("a")], n: 2 }, "n must be 1"],
    ["an image", CHAT, { messages: [user([{ type: "image_url", image_url: { url: "x" } }])] }, "text only"],
    ["a part without a type", CHAT, { messages: [user([{ text: "a" }])] }, "text only"],
    ["a call of a tool", CHAT, { messages: [{ role: "assistant", tool_calls: [{}] }] }, "no such parameter"],
    ["no role", CHAT, { messages: [{ content: "a" }] }, "needs a role"],
    ["a message that is a text", CHAT, { messages: ["a"] }, "wrong type"],
    ["a message that is null", CHAT, { messages: [user("a"), null] }, "wrong type"],
    [
      "a message that is a number, behind a name",
      CHAT,
      { messages: [{ role: "user", name: "x" }, 1] },
      "wrong type",
    ],
    ["messages that are a text", CHAT, { messages: "a" }, "wrong type"],
    ["messages that are null", CHAT, { messages: null }, "wrong type"],
    ["messages for completions", "/v1/completions", { messages: [user("a")] }, "wrong type"],
    ["no messages", CHAT, { model: "m" }, "no messages, prompt or input"],
    ["a prompt for a chat", CHAT, { prompt: "a" }, "no messages, prompt or input"],
    ["an input for completions", "/v1/completions", { input: "a" }, "no messages, prompt or input"],
    ["a prompt for embeddings", "/v1/embeddings", { prompt: "a" }, "no messages, prompt or input"],
    ["two prompts", "/v1/completions", { prompt: ["a", "b"] }, "one prompt"],
    ["tokens for a prompt", "/v1/completions", { prompt: [1, 2] }, "data must be strings"],
    ["a number for the model", CHAT, { model: 1, messages: [user("a")] }, "wrong type"],
    ["messages twice", CHAT, '{"messages":[],"messages":[]}', "occurs twice"],
    ["two limits", CHAT, { messages: [], max_tokens: 1, max_completion_tokens: 2 }, "occurs twice"],
  ])("with %s is refused in OpenAI's form", (_name, path, body, message) => {
    const { status, error } = send(body, path);
    expect(status).toBe(400);
    expect(error).toMatchObject({ type: "invalid_request_error", param: null, code: "json_malformed" });
    expect(error.message).toContain(message);
  });

  it("is the same in any chunks", () => {
    const text = fc.string({ unit: "binary" });
    const part = text.map((each) => ({ type: "text", text: each }));
    const message = fc.record({
      role: fc.constantFrom("user", "assistant"),
      content: fc.oneof(text, fc.array(part)),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.integer({ min: 1, max: 20 }), (messages, chunk) => {
        const said = messages.map(({ role, content }) => {
          const whole = typeof content === "string" ? content : content.map((each) => each.text).join("");
          return `<|${role}|>${whole}</s>`;
        });
        expect(promptOf(send({ messages }, CHAT, chunk))).toEqual([`<s>${said.join("")}<|assistant|>`]);
      }),
      { numRuns: 40 },
    );
  });

  it("for a model without an input for the text says what is missing", () => {
    const other = conversionVm({ tasks: [{ taskid: "1", openAi: { ...OPEN_AI, prompt: "none" } }] });
    const { reply } = openGenerate(other, LANGUAGE_MODEL, CHAT);
    expect([reply?.status, JSON.parse(reply?.body ?? "").error.code]).toEqual([500, "prompt_input_missing"]);
  });
});

const lengthBefore = (text: string) => Buffer.from(Uint32Array.of(Buffer.byteLength(text)).buffer);
const bytesOf = (text: string) => Buffer.concat([lengthBefore(text), Buffer.from(text)]);
const tensor = (name: string, datatype: string, shape: number[]) => ({ name, datatype, shape });
const ints = (value: number) => Buffer.from(Int32Array.of(value).buffer);

interface Said {
  reason?: string;
  tokens?: number;
  final?: boolean;
  empty?: boolean;
}

const reply = (text: string, { reason = "", tokens = 1, final = false, empty = false }: Said = {}) => ({
  modelName: "llm",
  parameters: { triton_final_response: { boolParam: final } },
  ...(!empty && {
    outputs: [
      tensor("prompt_tokens", "INT32", [1]),
      tensor("text_output", "BYTES", [1]),
      tensor("finish_reason", "BYTES", [1]),
      tensor("unknown", "FP32", [2]),
      tensor("tokens", "INT32", [1]),
    ],
    rawOutputContents: [ints(7), bytesOf(text), bytesOf(reason), Buffer.alloc(8), ints(tokens)],
  }),
});
const END = { inferResponse: reply("", { final: true, empty: true }) };
const streamed = (...messages: object[]) =>
  Buffer.concat(messages.map((each) => frame(ModelStreamInferResponse.encode(each).finish())));

function answer(
  request: object,
  bytes: Buffer,
  { path = CHAT, config = LANGUAGE_MODEL, chunk = 10_000 } = {},
) {
  const stream = openGenerate(config === LANGUAGE_MODEL ? vm : oneReply, config, path);
  stream.sendRequestBody(Buffer.from(JSON.stringify({ model: "gpt", messages: [user("a")], ...request })));
  const passed = Buffer.from(stream.respond([...GRPC_HEADERS], bytes, chunk, false)).toString();
  const held = stream.action !== CONTINUE;
  if (!stream.reply) stream.endResponse([["grpc-status", "0"]]);
  const text = passed + (held ? Buffer.from(stream.body).toString() : "");
  stream.close();
  return {
    text,
    type: stream.responseHeaders.find(([name]) => name === "content-type")?.[1],
    reply: stream.reply,
  };
}

const eventsOf = (text: string) =>
  text
    .split("\n\n")
    .slice(0, -1)
    .map((event) => (event === "data: [DONE]" ? "[DONE]" : JSON.parse(event.slice("data: ".length))));
/** Replaces ids of one answer by those of another. */
const idsOf = (text: string): [RegExp, string] => [
  /chatcmpl-[0-9a-f]{16}/g,
  /chatcmpl-[0-9a-f]{16}/.exec(text)?.[0] ?? "",
];
const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };

describe("a reply", () => {
  it.each([1, 6, 10_000])("is a chat completion, in chunks of %i", (chunk) => {
    const { text, type } = answer(
      {},
      streamed({ inferResponse: reply('a "ü"', { reason: "length", tokens: 3 }) }),
      { chunk },
    );
    expect(type).toBe("application/json");
    expect(JSON.parse(text)).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{16}$/),
      object: "chat.completion",
      created: expect.closeTo(Date.now() / 1000, -2),
      model: "gpt",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: 'a "ü"' },
          logprobs: null,
          finish_reason: "length",
        },
      ],
      usage: USAGE,
    });
  });

  it("of a model that is not decoupled comes by ModelInfer, also as a stream", () => {
    const bytes = frame(ModelInferResponse.encode(reply("a", { tokens: 3 })).finish());
    const whole = JSON.parse(answer({}, bytes, { config: ONE_REPLY }).text);
    expect(whole.choices[0]).toMatchObject({ message: { content: "a" }, finish_reason: "stop" });
    const events = eventsOf(answer({ stream: true }, bytes, { config: ONE_REPLY }).text);
    expect(events.map((event) => event.choices?.[0].delta ?? event)).toEqual([
      { role: "assistant", content: "a" },
      {},
      "[DONE]",
    ]);
  });

  it("is a completion", () => {
    const { text } = answer({ prompt: "a", messages: undefined }, streamed({ inferResponse: reply("b") }), {
      path: "/v1/completions",
    });
    expect(JSON.parse(text)).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: "text_completion",
      choices: [{ index: 0, text: "b", logprobs: null, finish_reason: "stop" }],
    });
  });

  it("is embeddings, a row each", () => {
    const message = {
      outputs: [tensor("embedding", "FP32", [2, 3]), tensor("prompt_tokens", "INT32", [1])],
      rawOutputContents: [Buffer.from(Float32Array.of(1, 2.5, -3, 0, 1e-3, 6).buffer), ints(4)],
    };
    for (const chunk of [1, 10_000]) {
      const { text } = answer(
        { input: ["a", "b"], messages: undefined },
        streamed({ inferResponse: message }),
        {
          path: "/v1/embeddings",
          chunk,
        },
      );
      expect(JSON.parse(text)).toEqual({
        object: "list",
        data: [
          { object: "embedding", index: 0, embedding: [1, 2.5, -3] },
          { object: "embedding", index: 1, embedding: [0, 1e-3, 6] },
        ],
        model: "gpt",
        usage: { prompt_tokens: 4, total_tokens: 4 },
      });
    }
  });

  it.each<[string, string, number[], Buffer, object]>([
    [
      "two reasons of the end",
      "finish_reason",
      [2],
      Buffer.concat([bytesOf("a"), bytesOf("b")]),
      { finish_reason: "stop" },
    ],
    ["a reason without end", "finish_reason", [1], bytesOf("a".repeat(100_000)), { finish_reason: "stop" }],
    ["a number for the text", "text_output", [1], ints(70), { message: { role: "assistant", content: "" } }],
  ])("with %s is JSON of the API all the same", (_name, name, shape, data, choice) => {
    const datatype = name === "text_output" ? "INT32" : "BYTES";
    const message = { outputs: [tensor(name, datatype, shape)], rawOutputContents: [data] };
    const { text } = answer({}, streamed({ inferResponse: message }));
    expect(JSON.parse(text).choices[0]).toMatchObject(choice);
  });

  it("with texts for embeddings has none", () => {
    const message = {
      outputs: [tensor("embedding", "BYTES", [2])],
      rawOutputContents: [Buffer.concat([bytesOf("a,b"), bytesOf("c")])],
    };
    const request = { input: "a", messages: undefined };
    const { text } = answer(request, streamed({ inferResponse: message }), { path: "/v1/embeddings" });
    expect(JSON.parse(text).data).toEqual([]);
  });

  it("that is an error, or several, is an error of OpenAI's form", () => {
    const one = JSON.parse(answer({}, streamed({ errorMessage: "as asked" })).text).error;
    expect(one).toMatchObject({ message: "as asked", type: "invalid_request_error", code: "model_error_2" });
    const two = streamed({ inferResponse: reply("a") }, { inferResponse: reply("b") });
    expect(JSON.parse(answer({}, two).text).error).toMatchObject({
      type: "server_error",
      code: "replies_not_one",
    });
  });
});

describe("a stream", () => {
  const words = [{ inferResponse: reply("a") }, { inferResponse: reply(" b", { tokens: 2 }) }];

  it.each([1, 7, 10_000])("is chunks, then how it ended, and [DONE]; in chunks of %i", (chunk) => {
    const { text, type } = answer({ stream: true }, streamed(...words, END), { chunk });
    expect(type).toBe("text/event-stream; charset=utf-8");
    const events = eventsOf(text);
    expect(events.slice(0, 3).map(({ choices }) => choices)).toEqual([
      [{ index: 0, delta: { role: "assistant", content: "a" }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: " b" }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }],
    ]);
    expect(events[3]).toBe("[DONE]");
    const [first, ...others] = events.slice(0, 3);
    expect(first).toMatchObject({ object: "chat.completion.chunk", model: "gpt" });
    for (const each of others) expect({ ...each, choices: 0 }).toEqual({ ...first, choices: 0 });
  });

  it("ends with the model's own reason, and with the tokens that were asked for", () => {
    const last = { inferResponse: reply(" c", { reason: "length", tokens: 3 }) };
    const request = { stream: true, stream_options: { include_usage: true } };
    const events = eventsOf(answer(request, streamed(...words, last, END)).text);
    expect(events[2].choices[0]).toMatchObject({ delta: { content: " c" }, finish_reason: "length" });
    expect(events.slice(0, 3).map(({ usage }) => usage)).toEqual([null, null, null]);
    expect(events[3]).toMatchObject({ choices: [], usage: USAGE });
    expect(events.slice(4)).toEqual(["[DONE]"]);
  });

  it("ends where the last reply is marked itself", () => {
    const last = { inferResponse: reply(" b", { final: true }) };
    const events = eventsOf(answer({ stream: true }, streamed(words[0] as object, last)).text);
    expect(events.map((event) => event.choices?.[0].finish_reason ?? event)).toEqual([
      expect.objectContaining({ object: "chat.completion.chunk" }),
      expect.objectContaining({ object: "chat.completion.chunk" }),
      "stop",
      "[DONE]",
    ]);
  });

  it("has nothing behind [DONE], whatever the model server sends then", () => {
    const late = [...words, { errorMessage: "late" }, END] as object[];
    const { text } = answer({ stream: true }, streamed(...words, END, ...late));
    expect(text).toBe(answer({ stream: true }, streamed(...words, END)).text.replace(...idsOf(text)));
  });

  it("has an error as an event of OpenAI's form, and no reason of an end behind it", () => {
    const events = eventsOf(
      answer({ stream: true }, streamed(words[0] as object, { errorMessage: "no more" }, END)).text,
    );
    expect(events[1].error).toMatchObject({ message: "no more", code: "model_error_2", param: null });
    expect(events.slice(2)).toEqual(["[DONE]"]);
  });

  it("of completions has texts", () => {
    const request = { stream: true, prompt: "a", messages: undefined };
    const events = eventsOf(answer(request, streamed(...words, END), { path: "/v1/completions" }).text);
    expect(events.slice(0, 3).map(({ choices }) => choices[0].text)).toEqual(["a", " b", ""]);
    expect(events[0].object).toBe("text_completion");
  });

  it("has the texts of the model, in any chunks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (texts, chunk) => {
          const bytes = streamed(...texts.map((text) => ({ inferResponse: reply(text) })), END);
          const events = eventsOf(answer({ stream: true }, bytes, { chunk }).text);
          expect(events.slice(0, -2).map(({ choices }) => choices[0].delta.content)).toEqual(texts);
        },
      ),
      { numRuns: 40 },
    );
  });
});
