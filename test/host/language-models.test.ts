import { beforeAll, describe, expect, it } from "vitest";
import { CONTINUE, type Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf, KEY } from "../support/auth.ts";

const CHAT = "/v1/chat/completions";
const OTHER_KEY = "another-key";
const HOLD = 1;

const TASKS = [
  {
    taskid: "llm",
    models: ["llm", "vendor/llm"],
    versions: ["v1", "v2"],
    cluster: "task-llm",
    basePath: "/v1",
  },
  {
    taskid: "own",
    models: ["own"],
    cluster: "task-own",
    basePath: "/openai/v1",
    apiKey: "sk-1",
    streamTimeoutMilliseconds: 9000,
  },
  {
    taskid: "locked",
    models: ["locked"],
    cluster: "task-locked",
    basePath: "/v1",
    sealedApiKey: "00".repeat(40),
  },
  { taskid: "grpc", models: ["grpc"], cluster: "task-grpc" },
];
const CONFIG = {
  tenantAuth: {
    languageModels: TASKS,
    tenants: [
      {
        tenant: "search",
        credentials: [
          { id: "all", sha256: digestOf(KEY) },
          { id: "one", sha256: digestOf(OTHER_KEY), tasks: [{ task: "llm", versions: ["v1"] }] },
        ],
        tasks: [{ task: "*" }],
      },
    ],
  },
  rateLimit: { tasks: [{ taskid: "own", requestsPerSecond: 1, burst: 1 }] },
  protocolConversion: {},
  accessLog: {},
};

function started(config: object): Vm {
  const vm = new Vm(modulePath("gateway"));
  expect(vm.configure(config), vm.logs.at(-1)).toBe(true);
  return vm;
}

const state = (model: string) => ({ "modelgate.model": `\0${model}` });

describe("gateway.wasm, behind the filter that reads the model", () => {
  let vm: Vm;
  beforeAll(() => {
    vm = started(CONFIG);
  });

  function open(headers: Record<string, string>, filterState: Record<string, string> = {}): Stream {
    const stream = vm.open(
      {
        ":method": "POST",
        ":path": CHAT,
        ":authority": "a.example",
        authorization: `Bearer ${KEY}`,
        ...headers,
      },
      false,
      filterState,
    );
    stream.close();
    return stream;
  }
  const refusal = ({ reply }: Stream) => {
    if (!reply) return undefined;
    const { error } = JSON.parse(reply.body) as { error: { code: string; type: string; reason: string } };
    return [reply.status, error.type, error.code, error.reason];
  };

  it("a call that no filter has read is refused", () => {
    expect(refusal(open({}))).toEqual([503, "server_error", "model_unread", "model_unread"]);
    expect(refusal(open({ authorization: "" }))).toEqual([
      401,
      "invalid_request_error",
      "invalid_api_key",
      "credential_missing",
    ]);
    expect(refusal(open({ "modelgate.model": "llm", "x-modelgate-model": "llm" }))?.[3]).toBe("model_unread");
  });

  it("the model is the task, and a version behind it the version", () => {
    const headers = (stream: Stream) => [stream.reply, stream.header("taskid"), stream.header("version")];
    expect(headers(open({}, state("llm")))).toEqual([undefined, "llm", undefined]);
    expect(headers(open({}, state("vendor/llm:v2")))).toEqual([undefined, "llm", "v2"]);
    expect(headers(open({ version: "v2" }, state("llm")))).toEqual([undefined, "llm", "v2"]);
    expect(headers(open({ version: "v2", taskid: "llm" }, state("llm:v2")))).toEqual([
      undefined,
      "llm",
      "v2",
    ]);
  });

  it.each<[string, Record<string, string>, string, (string | number)[]]>([
    ["an unknown model", {}, "gpt", [404, "invalid_request_error", "model_not_found", "model_not_found"]],
    [
      "an unknown version",
      {},
      "llm:v3",
      [404, "invalid_request_error", "model_not_found", "model_not_found"],
    ],
    ["no name", {}, "", [404, "invalid_request_error", "model_not_found", "model_not_found"]],
    [
      "another task",
      { taskid: "own" },
      "llm",
      [400, "invalid_request_error", "task_disagrees", "task_disagrees"],
    ],
    [
      "another version",
      { version: "v1" },
      "llm:v2",
      [400, "invalid_request_error", "task_disagrees", "task_disagrees"],
    ],
    [
      "a task not to be called",
      { authorization: `Bearer ${OTHER_KEY}` },
      "own",
      [403, "permission_error", "task_forbidden", "task_forbidden"],
    ],
    [
      "a version not to be called",
      { authorization: `Bearer ${OTHER_KEY}` },
      "llm:v2",
      [403, "permission_error", "version_forbidden", "version_forbidden"],
    ],
    [
      "a key that can't be opened",
      {},
      "locked",
      [503, "server_error", "model_server_key_locked", "model_server_key_locked"],
    ],
  ])("%s is refused as OpenAI's API does", (_what, headers, model, wanted) => {
    expect(refusal(open(headers, state(model)))).toEqual(wanted);
  });

  it("faults of the body are told to callers that are known, and to no others", () => {
    for (const [fault, status] of [
      [1, 400],
      [2, 400],
      [3, 400],
      [4, 413],
      [5, 503],
      [6, 415],
    ] as const) {
      const told = { "modelgate.model": String.fromCharCode(fault) };
      expect(refusal(open({}, told))?.[0]).toBe(status);
      expect(refusal(open({ authorization: "Bearer no" }, told))?.[0]).toBe(401);
    }
  });

  it("too many are 429 as OpenAI's clients know it", () => {
    expect(refusal(open({}, state("own")))).toBeUndefined();
    const second = open({}, state("own"));
    expect(refusal(second)).toEqual([429, "requests", "rate_limit_exceeded", "task_rate_limited"]);
    expect(second.reply?.headers.map(([name]) => name)).toContain("retry-after");
  });

  it("the server's path, key and time take the place of the caller's", () => {
    vm.process.now += 10_000_000_000n;
    vm.tick();
    const own = open({ ":path": `/openai${CHAT}?a=b` }, state("own"));
    expect(own.reply).toBeUndefined();
    expect([
      own.header(":path"),
      own.header("authorization"),
      own.header("x-envoy-upstream-rq-timeout-ms"),
    ]).toEqual(["/openai/v1/chat/completions?a=b", "Bearer sk-1", "9000"]);
    const embeddings = open({ ":path": "/v1/embeddings" }, state("llm"));
    expect([embeddings.header("authorization"), embeddings.header("x-envoy-upstream-rq-timeout-ms")]).toEqual(
      [undefined, undefined],
    );
  });

  it("a task that is converted keeps its path", () => {
    const stream = open({ ":path": `/openai${CHAT}` }, state("grpc"));
    expect([stream.reply, stream.header(":path"), stream.header("taskid")]).toEqual([
      undefined,
      `/openai${CHAT}`,
      "grpc",
    ]);
  });

  it("a request that names a task of another protocol is that task's", () => {
    const stream = open({ taskid: "other" });
    expect([stream.reply, stream.header("taskid")]).toEqual([undefined, "other"]);
  });

  it("models are listed by what the credential may call", () => {
    const list = (key: string) =>
      JSON.parse(
        open({ ":method": "GET", ":path": "/v1/models", authorization: `Bearer ${key}` }).reply?.body ?? "",
      ).data.map(({ id }: { id: string }) => id);
    expect(list(KEY)).toEqual(["llm", "vendor/llm", "own", "locked", "grpc"]);
    expect(list(OTHER_KEY)).toEqual(["llm", "vendor/llm"]);
  });
});

describe("the filter that reads the model", () => {
  const LIMITS = { maxBodyBytes: 1000, maxHeldBytes: 2500, credentialHeaders: ["authorization"] };
  const open = (vm: Vm, headers: Record<string, string> = {}) =>
    vm.open({ ":method": "POST", ":path": CHAT, authorization: "Bearer key", ...headers });
  const part = (bytes: number) => Buffer.from(`{"a":"${"x".repeat(bytes - 6)}`);
  const told = (stream: Stream) => stream.filterState.get("modelgate.model");

  it("what is held has a bound for each body and for all", () => {
    const vm = started({ modelName: LIMITS });
    expect(open(vm, { authorization: "" }).action).toBe(CONTINUE);
    const [one, two, three] = [open(vm), open(vm), open(vm)];
    expect(one.action).toBe(HOLD);
    one.sendRequestBody(part(900), 100, false);
    two.sendRequestBody(part(900), 900, false);
    expect([told(one), told(two)]).toEqual([undefined, undefined]);
    three.sendRequestBody(part(900), 900, false);
    expect(told(three)).toBe("\x05");
    one.close();
    two.sendRequestBody(Buffer.from('","model":"llm"}'));
    const four = open(vm);
    four.sendRequestBody(part(1001), 1001, false);
    expect(told(four)).toBe("\x04");
    for (const stream of [two, three, four]) stream.close();
    for (let i = 0; i < 100; i++) {
      const stream = open(vm);
      stream.sendRequestBody(part(900), 900, false);
      expect(told(stream)).toBeUndefined();
      stream.close();
    }
  });

  it("other requests pass at once", () => {
    const vm = started({ modelName: LIMITS });
    for (const headers of [
      { ":method": "GET" },
      { ":path": "/v2/models/m/infer" },
      { ":path": "/v1/models" },
      { ":path": "/v1/chat/completions/" },
      { ":path": "/v1/chat/completionss" },
    ])
      expect(open(vm, headers).action).toBe(CONTINUE);
    for (const path of ["/v1/completions?a=1", "/openai/v1/embeddings", "/v1/responses"])
      expect(open(vm, { ":path": path }).action).toBe(HOLD);
  });

  it("memory is flat over 60 bodies of a megabyte, replaced, refused and left", () => {
    const vm = started({
      modelName: {
        ...LIMITS,
        maxBodyBytes: 4_000_000,
        maxHeldBytes: 64_000_000,
        served: [{ model: "llm", as: "another" }],
      },
    });
    const prompt = "x".repeat(1_000_000);
    const bodies = [
      `{"messages":"${prompt}","model":"llm"}`,
      `{"model":"a","messages":"${prompt}"]`,
      `{"messages":"${prompt}`,
    ];
    const run = (times: number) => {
      for (let i = 0; i < times; i++) {
        const stream = open(vm);
        stream.sendRequestBody(Buffer.from(bodies[i % 3] as string), 200_000, i % 3 < 2);
        stream.close();
      }
    };
    run(9);
    const before = vm.memoryBytes;
    run(60);
    expect(vm.memoryBytes).toBe(before);
  });
});
