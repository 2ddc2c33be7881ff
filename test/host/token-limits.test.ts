/** Limits on the tokens of language models: the filter that reads bodies, then the gateway's, as they stand in Envoy. */
import { pino } from "pino";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { tokenLimitConfig } from "../../tools/cluster/istio/token-limit-config.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { Budgets } from "../../tools/servers/budgets/budgets.ts";
import type { BudgetState } from "../../tools/servers/budgets/state.ts";
import type { BudgetStore } from "../../tools/servers/budgets/store.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { BudgetProcess } from "../support/budget-process.ts";

const SECOND = 1_000_000_000n;
const MODEL_NAME = {
  maxBodyBytes: 1_000_000,
  maxHeldBytes: 1_000_000,
  credentialHeaders: ["authorization"],
  counted: ["llm", "other"],
};
const TENANT_AUTH = {
  tenants: [
    { tenant: "search", credentials: [{ id: "app", sha256: digestOf(KEY) }], tasks: [{ task: "*" }] },
  ],
  languageModels: ["llm", "other"].map((taskid) => ({ taskid, models: [taskid] })),
};
const LIMITED = { taskid: "llm", tokensPerSecond: 10, burst: 1000, defaultMaxTokens: 200 };

let host: HostProcess;
let front: Vm;
let gateway: Vm;

function configure(tokenLimit: object, rateLimit: object = {}): void {
  host = new HostProcess();
  gateway = new Vm(modulePath("gateway"), host);
  putInFront();
  const stages = { tenantAuth: TENANT_AUTH, rateLimit, protocolConversion: {}, accessLog: {} };
  expect(gateway.configure({ ...stages, tokenLimit }), gateway.logs.at(-1)).toBe(true);
}

function putInFront(): void {
  front = new Vm(modulePath("gateway"), host);
  // Filter state is bytes.
  for (const vm of [front, gateway]) vm.encoding = "latin1";
  expect(front.configure({ modelName: MODEL_NAME }), front.logs.at(-1)).toBe(true);
}
beforeEach(() => configure({ tasks: [LIMITED] }));

interface Call {
  stream: Stream;
  /** What the model server gets. */
  body: string;
}

/** A call whose body comes in pieces, up to where the model answers. */
function call(body: object | string, { path = "/v1/chat/completions", chunkSize = 1_000_000 } = {}): Call {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const headers = {
    ...{ ":method": "POST", ":path": path, authorization: `Bearer ${KEY}` },
    "content-length": String(bytes.length),
  };
  const before = front.open(headers);
  const passed = before.sendRequestBody(bytes, chunkSize);
  const state = Object.fromEntries(before.filterState);
  const stream = gateway.open(before.requestHeaders, false, state);
  before.close();
  if (!stream.reply && stream.action === 0) stream.sendRequestBody(passed);
  return { stream, body: Buffer.from(passed).toString() };
}

/** What the caller gets of an answer. */
function answer({ stream }: Call, text: string, chunkSize?: number, type = "text/event-stream"): string {
  const headers: [string, string][] = [
    [":status", "200"],
    ["content-type", type],
  ];
  const got = Buffer.from(stream.respond(headers, Buffer.from(text), chunkSize)).toString();
  stream.close();
  return got;
}

const chat = (members: object = {}) => ({ model: "llm", messages: [], ...members });
const events = (...data: (object | string)[]) =>
  data.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join("");
const piece = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const usage = (input: number, output: number, others: object = {}) => ({
  choices: [],
  usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, ...others },
});

/** Tokens that are left in the bucket of 1,000, as the refusal of a call says that needs all of them. */
function left(): number {
  // A worker remembers for two milliseconds that a bucket was empty.
  host.now += 3_000_000n;
  const { stream } = call(chat({ max_tokens: 1000 }));
  stream.close();
  if (!stream.reply) return 1000;
  const [, value = ""] = stream.reply.headers.find(([name]) => name === "ratelimit") ?? [];
  return Number(/;r=(\d+)/.exec(value)?.[1]);
}

describe("what a call may take is reserved before the model gets it", () => {
  it("so that calls that come at once don't all pass", () => {
    const calls = Array.from({ length: 100 }, () => call(chat({ max_tokens: 90 })));
    const passed = calls.filter(({ stream }) => stream.reply === undefined);
    // 90 for the answer and 15 for 60 bytes of prompt.
    expect(passed).toHaveLength(9);
    const refused = calls.find(({ stream }) => stream.reply)?.stream.reply;
    expect(refused?.status).toBe(429);
    expect(JSON.parse(Buffer.from(refused?.body ?? "").toString()).error).toMatchObject({
      code: "rate_limit_exceeded",
      reason: "task_tokens_limited",
    });
    expect(Object.fromEntries(refused?.headers ?? [])).toHaveProperty("retry-after");
  });

  it.each([
    [{ max_tokens: 100 }, 100],
    [{ max_completion_tokens: 100, max_tokens: 5 }, 100],
    [{ max_output_tokens: 100 }, 100],
    [{ max_tokens: 50, n: 2 }, 100],
    [{}, 200],
    [{ max_tokens: "100" }, 200],
    [{ max_tokens: -3 }, 200],
  ])("%j: %i tokens", (members, tokens) => {
    const open = call(chat(members));
    const bytes = Buffer.byteLength(JSON.stringify(chat(members)));
    expect(left()).toBe(1000 - tokens - Math.ceil(bytes * 0.25));
    open.stream.close();
  });

  it("also where the body comes in pieces, the model first", () => {
    const body = chat({ messages: ["x".repeat(1000)], max_tokens: 300 });
    const open = call(body, { chunkSize: 64 });
    expect(open.body).toBe(JSON.stringify(body));
    expect(left()).toBeLessThan(1000 - 300 - 240);
    open.stream.close();
    expect(left()).toBe(1000);
  });

  it("and a call that may take more than there is at once passes alone, and leaves a debt", () => {
    const open = call(chat({ max_tokens: 1900 }));
    expect(open.stream.reply).toBeUndefined();
    expect(left()).toBeLessThanOrEqual(16);
    answer(open, events(usage(10, 1500), "[DONE]"));
    expect(call(chat({ max_tokens: 1 })).stream.reply?.status).toBe(429);
    host.now += 60n * SECOND;
    expect(call(chat({ max_tokens: 1 })).stream.reply).toBeUndefined();
  });
});

describe("what is left is told as OpenAI tells it", () => {
  const told = ({ stream }: Call) =>
    Object.fromEntries(stream.responseHeaders.filter(([name]) => name.startsWith("x-ratelimit")));

  it("with each answer where the tenant asks for it, of requests and of tokens", () => {
    const limited = { tasks: [{ taskid: "llm", requestsPerSecond: 0.5, burst: 10 }], headers: true };
    configure({ tasks: [LIMITED] }, limited);
    const made = call(chat({ max_tokens: 285 }));
    answer(made, JSON.stringify(usage(1, 1)), 1000, "application/json");
    expect(told(made)).toEqual({
      "x-ratelimit-limit-requests": "10",
      "x-ratelimit-remaining-requests": "9",
      "x-ratelimit-reset-requests": "2s",
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "703",
      "x-ratelimit-reset-tokens": "29.7s",
    });
    configure({ tasks: [LIMITED] });
    const other = call(chat());
    answer(other, "{}", 1000, "application/json");
    expect(told(other)).toEqual({});
  });

  it("with each refusal", () => {
    configure({ tasks: [{ ...LIMITED, tokensPerSecond: 0.1 }] });
    call(chat({ max_tokens: 900 }));
    const refused = call(chat({ max_tokens: 900 }));
    expect(refused.stream.reply?.status).toBe(429);
    refused.stream.respond([[":status", "429"]], Buffer.from("{}"));
    expect(told(refused)).toMatchObject({
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "88",
      "x-ratelimit-reset-tokens": "2h32m0s",
    });
  });
});

describe("what the answer took is settled", () => {
  it.each([
    ["chat", { prompt_tokens: 30, completion_tokens: 70 }],
    ["responses", { input_tokens: 30, output_tokens: 70 }],
  ])("by the usage of JSON: %s", (_name, tokens) => {
    const json = JSON.stringify({ id: "a", usage: { total_tokens: 100, ...tokens }, model: "llm" });
    for (const size of [1, 7, 1000]) {
      configure({ tasks: [LIMITED] });
      expect(answer(call(chat()), json, size, "application/json")).toBe(json);
      expect(1000 - left()).toBe(100);
    }
  });

  it("by the last usage of a stream, however it is cut", () => {
    const text = events(
      piece("a"),
      usage(30, 1),
      piece('"usage":{"prompt_tokens":9}'),
      usage(30, 70),
      "[DONE]",
    );
    for (const size of [1, 2, 3, 50, 1000]) {
      configure({ tasks: [LIMITED] });
      answer(call(chat({ stream: true, stream_options: { include_usage: true } })), text, size);
      expect(1000 - left()).toBe(100);
    }
  });

  it("by the terminal event of the Responses API", () => {
    const response = { output: [{ usage: 1 }], usage: { input_tokens: 30, output_tokens: 70 } };
    const text = `event: response.completed\n${events({ type: "response.completed", response })}`;
    answer(call(chat({ stream: true }), { path: "/v1/responses" }), text, 9);
    expect(1000 - left()).toBe(100);
  });

  it("with the weights of the model", () => {
    const weights = { input: 1, cachedInput: 0.5, output: 3, reasoning: 2 };
    configure({ tasks: [{ ...LIMITED, weights }] });
    const details = {
      prompt_tokens_details: { cached_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 10 },
    };
    answer(call(chat()), JSON.stringify(usage(30, 70, details)), 1000, "application/json");
    expect(1000 - left()).toBe(10 + 20 * 0.5 + 60 * 3 + 10 * 2);
  });

  it("by what came of a stream that its caller gives up", () => {
    const { stream } = call(chat({ stream: true, max_tokens: 500 }));
    const pieces = events(...Array.from({ length: 60 }, () => piece("x")));
    stream.respond(
      [
        [":status", "200"],
        ["content-type", "text/event-stream"],
      ],
      Buffer.from(pieces),
      100,
      false,
    );
    stream.close();
    const bytes = Buffer.byteLength(JSON.stringify(chat({ stream: true, max_tokens: 500 })));
    expect(1000 - left()).toBe(60 + Math.ceil(bytes * 0.25));
  });

  it("by events, of which one without data is none", () => {
    const stream = chat({ stream: true });
    answer(call(stream), `data:\n\ndata: \n\n${events(piece("x"), "[DONE]")}`, 7);
    expect(1000 - left()).toBe(1 + Math.ceil(Buffer.byteLength(JSON.stringify(stream)) * 0.25));
  });

  it("an error of the model takes nothing", () => {
    const { stream } = call(chat());
    stream.respond([[":status", "500"]], Buffer.from(JSON.stringify(usage(30, 70))));
    stream.close();
    expect(left()).toBe(1000);
  });
});

describe("the usage of a stream whose caller did not ask for it", () => {
  const text = events(piece("a"), piece('{"choices":[],"usage":{}}'), usage(30, 70), "[DONE]");
  const seen = events(piece("a"), piece('{"choices":[],"usage":{}}'), "[DONE]");

  it("is asked for, counted and kept back, however the stream is cut", () => {
    for (const size of [1, 2, 3, 50, 1000]) {
      configure({ tasks: [LIMITED] });
      const open = call(` ${JSON.stringify(chat({ stream: true }))}`);
      expect(JSON.parse(open.body)).toEqual(chat({ stream: true, stream_options: { include_usage: true } }));
      expect(open.stream.header("content-length")).toBe(String(Buffer.byteLength(open.body)));
      expect(answer(open, text, size)).toBe(seen);
      expect(1000 - left()).toBe(100);
    }
  });

  it("passes where the server has it beside choices", () => {
    const last = events({ ...piece("b"), usage: usage(30, 70).usage }, "[DONE]");
    expect(answer(call(chat({ stream: true })), last, 5)).toBe(last);
    expect(1000 - left()).toBe(100);
  });

  it("passes where something inside of an event has no choices", () => {
    const inside = { x: { choices: [] }, ...piece("b"), usage: usage(30, 70).usage };
    const text = events(inside);
    expect(answer(call(chat({ stream: true })), text, 5)).toBe(text);
  });

  it.each([
    [chat({ stream: true, stream_options: { include_usage: true } }), "/v1/chat/completions"],
    [chat({ stream: true, stream_options: {} }), "/v1/chat/completions"],
    [chat({ stream: false }), "/v1/chat/completions"],
    [chat({ stream: true }), "/v1/responses"],
  ])("%j to %s passes as it is, with its usage", (body, path) => {
    const open = call(body, { path });
    expect(open.body).toBe(JSON.stringify(body));
    expect(answer(open, text, 20)).toBe(text);
  });

  it("leaves no usage: null in the other events, of which all else stays as it came", () => {
    const text =
      'data: {"id":"a","usage":null,"choices":[{"delta":{"content":"\\"usage\\":null"}}]}\n\n' +
      'data: { "usage" : null , "choices":[{"delta":{},"usage":null}]}\r\n\r\n' +
      `data: {"choices":[{"delta":{"content":"b"}}] ,\t"usage": null}\n\n${events(usage(30, 70), "[DONE]")}`;
    const seen =
      'data: {"id":"a","choices":[{"delta":{"content":"\\"usage\\":null"}}]}\n\n' +
      'data: { "choices":[{"delta":{},"usage":null}]}\r\n\r\n' +
      `data: {"choices":[{"delta":{"content":"b"}}] }\n\n${events("[DONE]")}`;
    for (const size of [1, 3, 1000]) {
      configure({ tasks: [LIMITED] });
      expect(answer(call(chat({ stream: true })), text, size)).toBe(seen);
      configure({ tasks: [LIMITED] });
      const asked = chat({ stream: true, stream_options: { include_usage: true } });
      expect(answer(call(asked), text, size)).toBe(text);
    }
  });

  it("passes as it came where the stream ends in an event that is not whole", () => {
    const cut = `${events(piece("a"))}data: {"choices":[],"usa`;
    expect(answer(call(chat({ stream: true })), cut, 4)).toBe(cut);
  });
});

describe("a stream that is over a hard limit", () => {
  const begin = piece("");
  const hard = { ...LIMITED, tokensPerSecond: 0.001, burst: 40, hard: true };
  // 18 tokens of prompt and 10 of answer are reserved of the 40, so 22 come.
  const body = chat({ stream: true, max_tokens: 10, stream_options: { include_usage: true } });
  const own = { id: "c1", object: "chat.completion.chunk", model: "m" };
  const long = events(
    { ...own, ...begin },
    ...Array.from({ length: 60 }, () => ({ ...own, ...piece("x") })),
    { ...own, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    "[DONE]",
  );
  const parsed = (text: string) =>
    text
      .split("\n\n")
      .filter(Boolean)
      .map((each) => each.replace(/^data: /, ""));

  it("ends as one that is as long as it may be, with not a token more than there is", () => {
    const prompt = Math.ceil(Buffer.byteLength(JSON.stringify(body)) * 0.25);
    for (const size of [1, 7, 100_000]) {
      configure({ tasks: [hard] });
      const open = call(body);
      const got = parsed(answer(open, long, size));
      expect(got.at(-1)).toBe("[DONE]");
      expect(JSON.parse(got.at(-2) ?? "")).toEqual({
        ...own,
        choices: [{ delta: {}, index: 0, finish_reason: "length", logprobs: null }],
      });
      expect(got.length - 3).toBe(40 - prompt);
    }
  });

  it("is closed a tick later, where the model goes on", () => {
    configure({ tasks: [hard] });
    const { stream } = call(body);
    stream.respond(
      [
        [":status", "200"],
        ["content-type", "text/event-stream"],
      ],
      Buffer.from(long),
      50,
      false,
    );
    expect(stream.isReset).toBe(false);
    host.now += SECOND;
    gateway.tick();
    expect(stream.isReset).toBe(true);
    stream.close();
    host.now += SECOND;
    gateway.tick();
  });

  it("ends in an error where that is asked for", () => {
    configure({ tasks: [{ ...hard, lastEvent: "error" }] });
    const got = parsed(answer(call(body), long, 50));
    expect(got.at(-1)).toBe("[DONE]");
    expect(JSON.parse(got.at(-2) ?? "").error).toMatchObject({
      code: "rate_limit_exceeded",
      reason: "task_tokens_limited",
    });
  });

  it("goes on where the limit has more, is not hard or in a dry run", () => {
    for (const other of [
      { ...hard, burst: 1000 },
      { ...hard, hard: false },
      { ...hard, mode: "dryRun" },
    ]) {
      configure({ tasks: [other] });
      expect(answer(call(body), long, 50)).toBe(long);
    }
  });

  it("counts no event without a piece of the answer", () => {
    configure({ tasks: [{ ...hard, burst: 28 }] });
    const exact = events(
      { ...own, ...begin },
      ...Array.from({ length: 10 }, () => ({ ...own, ...piece("x") })),
      { ...own, choices: [{ index: 0, delta: {}, finish_reason: "length" }] },
      { ...own, ...usage(7, 10) },
      "[DONE]",
    );
    expect(answer(call(body), exact, 50)).toBe(exact);
  });
});

describe("an answer without usage", () => {
  it("in JSON is charged by its bytes, up to what was reserved", () => {
    const text = JSON.stringify({ choices: [{ message: { content: "x".repeat(200) } }] });
    answer(call(chat()), text, 1000, "application/json");
    const prompt = Math.ceil(Buffer.byteLength(JSON.stringify(chat())) * 0.25);
    expect(1000 - left()).toBe(prompt + Math.ceil(Buffer.byteLength(text) * 0.25));
  });

  it("of embeddings has a prompt alone", () => {
    const body = { model: "llm", input: "x".repeat(100) };
    const prompt = Math.ceil(Buffer.byteLength(JSON.stringify(body)) * 0.25);
    const open = call(body, { path: "/v1/embeddings" });
    expect(1000 - left()).toBe(prompt);
    answer(open, JSON.stringify({ data: [{ embedding: [0.1, 0.2] }] }), 1000, "application/json");
    expect(1000 - left()).toBe(prompt);
  });
});

it("a worker is one of those that share limits, however many of its stages have some", () => {
  gateway.tick();
  // 16 bytes a worker: filters/rate-limit/vm-registry.ts.
  expect(host.sharedData.get("modelgate.vms")?.value).toHaveLength(16);
});

describe("limits of task and tenant hold together", () => {
  it("and a refused call takes of neither", () => {
    configure({
      tasks: [{ ...LIMITED, burst: 400 }, { taskid: "other" }],
      tenants: [{ tenant: "search", tokensPerSecond: 10, burst: 1000 }],
    });
    expect(call(chat({ max_tokens: 350 })).stream.reply).toBeUndefined();
    for (let i = 0; i < 20; i++) expect(call(chat({ max_tokens: 350 })).stream.reply?.status).toBe(429);
    const other = { ...chat({ max_tokens: 500 }), model: "other" };
    expect(call(other).stream.reply).toBeUndefined();
    const { reply } = call(other).stream;
    expect(JSON.parse(Buffer.from(reply?.body ?? "").toString()).error.reason).toBe("tenant_tokens_limited");
  });

  it("and a dry run refuses nothing", () => {
    configure({ tasks: [{ ...LIMITED, burst: 100, mode: "dryRun" }] });
    for (let i = 0; i < 10; i++) expect(call(chat()).stream.reply).toBeUndefined();
  });
});

describe("a budget", () => {
  const lineOf = ({ stream }: Call) => JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`);
  const reasonOf = ({ stream }: Call) =>
    stream.reply && JSON.parse(Buffer.from(stream.reply.body).toString()).error.reason;

  const CLASSES = {
    classes: [
      { class: "online", share: 0.5, credentials: [] },
      { class: "batch", share: 0, credentials: [] },
    ],
    default: "online",
  };

  /** A gateway with the real controller's budgets of a tenant. */
  function withBudgets(budgets: object[], priceOfOutput = 0, more: object = {}) {
    const search = tenant.parse({
      ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "Tenant", metadata: { name: "search" } },
      spec: {
        gateway: { name: "ingress", namespace: "search", hosts: ["a.example"] },
        ...{ namespaces: ["search"], priorities: { classes: [{ name: "online" }] }, budgets, ...more },
      },
    });
    const llm = modelTask.parse({
      ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "ModelTask" },
      metadata: { name: "llm", namespace: "search" },
      spec: { taskid: "llm", tenant: "search", service: { name: "llm" }, protocol: "openai" },
    });
    const kept: { state?: BudgetState } = {};
    const store: BudgetStore = {
      name: "memory",
      load: async () => kept.state && { state: structuredClone(kept.state), revision: "1" },
      commit: async (_tenant, state) => {
        kept.state = structuredClone(state);
        return "1";
      },
      close: async () => {},
    };
    const served = new Budgets({ store, log: pino({ level: "silent" }) });
    if (priceOfOutput > 0)
      served.setPrices({
        ...{ version: "1", currency: "EUR" },
        tasks: { llm: [0, 0, priceOfOutput, priceOfOutput] },
      });
    served.apply([search]);
    const controller = { gateway: "search/ingress", cluster: "controller", pod: "gw-1", budgets: true };
    const process = new BudgetProcess(modulePath("gateway"), 1, {
      ...{ tenantAuth: TENANT_AUTH, protocolConversion: {}, accessLog: {} },
      rateLimit: { controller, ...("priorities" in more && { priority: CLASSES }) },
      tokenLimit: tokenLimitConfig(search, [llm], true),
    });
    host = process.process;
    gateway = process.vms[0] as Vm;
    putInFront();
    const exchange = () =>
      process.exchange((report) => served.exchange({ gateway: "search/ingress", pod: "gw-1" }, report));
    /** A call that waits as long as the gateway asks for more of the budget. */
    const passing = async (members: object) => {
      const made = call(chat(members));
      for (let seconds = 0; seconds < 4 && made.stream.action !== 0; seconds++) await exchange();
      expect(made.stream).toMatchObject({ action: 0, reply: undefined });
      made.stream.sendRequestBody(Buffer.from(made.body));
      return made;
    };
    const spent = () => Object.values(kept.state?.accounts ?? {}).map((account) => account.spent);
    return { exchange, passing, spent };
  }

  it("is spent from by what calls take, and refuses what may take more than is left", async () => {
    const { exchange, passing, spent } = withBudgets([{ name: "daily", per: "day", tokens: 1000 }]);
    const json = JSON.stringify(usage(100, 200));
    for (let i = 0; i < 3; i++) answer(await passing({ max_tokens: 300 }), json, 1000, "application/json");
    await exchange();
    expect(spent()).toEqual([900]);
    const refused = call(chat({ max_tokens: 300 }));
    expect(reasonOf(refused)).toBe("budget_spent");
    expect(Object.fromEntries(refused.stream.reply?.headers ?? [])).toHaveProperty("retry-after");
    (await passing({ max_tokens: 40 })).stream.close();
    await exchange();
    expect(spent()).toEqual([900]);
  });

  it("holds a call for its first lease, and refuses it where none comes", async () => {
    const { exchange, spent } = withBudgets([{ name: "daily", per: "day", tokens: 1000 }]);
    const [first, gone] = [call(chat({ max_tokens: 10 })), call(chat({ max_tokens: 10 }))];
    expect([first.stream.action, first.stream.reply]).toEqual([4, undefined]);
    expect(gateway.tickPeriodMs).toBeLessThan(20);
    gone.stream.close();
    await exchange();
    expect(first.stream.action).toBe(0);
    expect(gateway.tickPeriodMs).toBe(1000);
    first.stream.sendRequestBody(Buffer.from(first.body));
    answer(first, JSON.stringify(usage(5, 6)), 1000, "application/json");
    await exchange();
    expect(spent()).toEqual([11]);

    withBudgets([{ name: "daily", per: "day", tokens: 1000 }]);
    const late = call(chat({ max_tokens: 10 }));
    for (let i = 0; i < 30 && !late.stream.reply; i++) {
      host.now += 100_000_000n;
      gateway.tick();
    }
    expect(reasonOf(late)).toBe("budget_waits");
    expect(host.now).toBeGreaterThan(2_400_000_000n);
    expect(gateway.tickPeriodMs).toBe(1000);
  });

  it("is told to callers: what is left of it, and when the controller has warned of it", async () => {
    const { exchange, passing } = withBudgets([{ name: "daily", per: "day", tokens: 1000, warnAt: [50] }]);
    answer(await passing({ max_tokens: 600 }), JSON.stringify(usage(100, 500)), 1000, "application/json");
    await exchange();
    const refused = call(chat({ max_tokens: 900 })).stream;
    expect(reasonOf({ stream: refused, body: "" })).toBe("budget_spent");
    refused.respond([[":status", "429"]], Buffer.from("{}"));
    const told = Object.fromEntries(refused.responseHeaders);
    expect(told).toMatchObject({
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "400",
      "x-budget-warning": '"daily";warned=50',
    });
    expect(told["x-ratelimit-reset-tokens"]).toMatch(/^(\d+h)?(\d+m)?\d+(\.\d{1,3})?s$/);
  });

  it("of a month is whole again when the next one begins in its zone, also behind a change of clocks", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-03-31T23:59:57+02:00") });
    try {
      const monthly = { name: "monthly", per: "month", timeZone: "Europe/Berlin", tokens: 100 };
      const { exchange, passing, spent } = withBudgets([monthly]);
      const next = async () => {
        vi.setSystemTime(Date.now() + 1000);
        await exchange();
      };
      await next();
      answer(await passing({ max_tokens: 60 }), JSON.stringify(usage(10, 60)), 1000, "application/json");
      await next();
      const refused = call(chat({ max_tokens: 60 }));
      expect(reasonOf(refused)).toBe("budget_spent");
      expect(Object.fromEntries(refused.stream.reply?.headers ?? [])["retry-after"]).toMatch(/^[12]$/);
      await next();
      await next();
      expect(reasonOf(call(chat({ max_tokens: 60 })))).toBeUndefined();
      await next();
      expect(spent()).toEqual([0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("that is spent lowers calls to its class, of the limits on tokens", async () => {
    const lower = { name: "lower", per: "day", tokens: 10, whenSpent: "lower", lowerTo: "batch" };
    const { exchange, passing } = withBudgets([lower], 0, {
      priorities: { classes: [{ name: "online", reservedPercent: 50 }, { name: "batch" }] },
      tokenLimits: { tokensPerSecond: 0.001, burst: 1000 },
    });
    await exchange();
    answer(await passing({ max_tokens: 300 }), JSON.stringify(usage(100, 200)), 1000, "application/json");
    await exchange();
    await exchange();
    // 700 are left: of what 1,000 have beside the call, half is kept for `online`.
    expect(reasonOf(call(chat({ max_tokens: 500 })))).toBe("tenant_tokens_limited");
    expect(reasonOf(call(chat({ max_tokens: 100 })))).toBeUndefined();
  });

  it("of each credential, of money, and one that only lowers", async () => {
    const each = { name: "each", per: "day", money: "0.001 EUR", for: { each: "credential" } };
    const lower = { name: "lower", per: "day", tokens: 1, whenSpent: "lower" };
    const other = { name: "other", per: "day", tokens: 1, for: { tasks: ["other"] } };
    const { exchange, passing, spent } = withBudgets([each, lower, other], 10_000_000);
    await exchange();
    await exchange();
    // 60 tokens of 10 EUR a million are 0.0006 EUR.
    const json = JSON.stringify(usage(5, 60));
    const first = await passing({ max_tokens: 60 });
    answer(first, json, 1000, "application/json");
    expect(lineOf(first)).toMatchObject({ cost_micros: 600, currency: "EUR" });
    expect(lineOf(first)).not.toHaveProperty("budget_warning");
    await exchange();
    await exchange();
    expect(spent().toSorted()).toEqual([0, 600, 65]);
    const second = await passing({ max_tokens: 10 });
    answer(second, JSON.stringify(usage(5, 0)), 1000, "application/json");
    expect(lineOf(second)).toMatchObject({ cost_micros: 0, budget_warning: "lower:100" });
    expect(reasonOf(call(chat({ max_tokens: 60 })))).toBe("budget_spent");
  });
});

it("a model's tokens a byte are learnt, within bounds", () => {
  const body = chat({ max_tokens: 1, messages: ["x".repeat(354)] });
  expect(Buffer.byteLength(JSON.stringify(body))).toBe(400);
  const reserved = () => {
    host.now += 1_000_000n * SECOND;
    const { stream } = call(body);
    const tokens = 1000 - left() - 1;
    stream.close();
    return tokens;
  };
  const learn = (input: number) => {
    for (let i = 0; i < 100; i++) {
      host.now += 1_000_000n * SECOND;
      answer(call(body), JSON.stringify(usage(input, 0)), 1000, "application/json");
    }
  };
  expect(reserved()).toBe(100);
  learn(0);
  expect(reserved()).toBe(100);
  learn(200);
  expect(reserved()).toBe(200);
  learn(1);
  expect(reserved()).toBe(51);
  learn(1_000_000);
  expect(reserved()).toBe(400);
});
