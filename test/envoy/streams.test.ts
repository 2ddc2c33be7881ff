import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { ModelInferRequest, ModelStreamInferResponse } from "../support/conversion.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { ModelConfigResponse } from "../support/generate.ts";
import { pace } from "../support/pace.ts";

/** Streams of replies: the status of their first message, and how long they may take. */

/** What the model's stream does. */
type Script = (call: grpc.ServerDuplexStream<Buffer, Uint8Array>) => Promise<void>;

const PATH = "/inference.GRPCInferenceService/ModelStreamInfer";
const METHOD = {
  path: PATH,
  requestStream: true,
  responseStream: true,
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  responseSerialize: (message: Uint8Array) => Buffer.from(message),
  responseDeserialize: (message: Buffer) => message,
} as const;

const REPLY = ModelStreamInferResponse.encode({ inferResponse: { modelName: "m" } }).finish();
const JSON_REPLY = '{"model_name":"m","outputs":[]}';
const failure = (errorMessage: string) => ModelStreamInferResponse.encode({ errorMessage }).finish();
const UNKNOWN = "Request for unknown model: 'm' is not found";

/** A decoupled model of Triton's that takes a text. */
const CONFIG = ModelConfigResponse.fromObject({
  config: {
    input: [{ name: "text_input", dataType: "TYPE_STRING", dims: [1] }],
    modelTransactionPolicy: { decoupled: true },
  },
});
let questions = 0;
/** The last request that reached the model. */
let asked: Buffer = Buffer.of();

let script: Script = async () => undefined;
const server = new grpc.Server();
/** A model server that speaks HTTP: an event every 100 ms, each in two pieces; of /silent there is one. */
const eventServer = createServer(async (request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let i = 0; i < 10 && !response.destroyed; i++) {
    response.write(`data: ${i}`);
    await pace(i === 0 ? 0 : 50);
    response.write("\n\n");
    if (request.url === "/silent") return;
    await pace(50);
  }
  response.end();
});
const events = { port: 0 };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** One that may hold headers, as `dev` may, and one that may not, as a WasmPlugin. */
const gateways: Partial<Record<"held" | "plain", RunningEnvoy>> = {};

beforeAll(async () => {
  server.addService(
    {
      ModelStreamInfer: METHOD,
      ModelConfig: {
        ...METHOD,
        path: PATH.replace("ModelStreamInfer", "ModelConfig"),
        requestStream: false,
        responseStream: false,
      },
    },
    {
      ModelConfig: (_call: unknown, answer: grpc.sendUnaryData<Uint8Array>) => {
        questions++;
        answer(null, ModelConfigResponse.encode(CONFIG).finish());
      },
      ModelStreamInfer: (call: grpc.ServerDuplexStream<Buffer, Uint8Array>) => {
        // What a cut stream says is not looked at.
        call.on("error", () => undefined);
        call.once("data", (message) => {
          asked = message;
          void script(call);
        });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  await once(eventServer.listen(0, "127.0.0.1"), "listening");
  events.port = (eventServer.address() as AddressInfo).port;
  folder = await temporaryFolder(join(tmpdir(), "modelgate-streams-"));
  const [tenant] = pluginConfig.tenantAuth.tenants;
  const tasks = ["1", "short"];
  const passing = ["passed", "briefly"];
  for (const name of ["held", "plain"] as const) {
    const config = {
      tenantAuth: { tenants: [{ ...tenant, tasks: [...tasks, ...passing].map((task) => ({ task })) }] },
      streams: {
        tasks: [
          { taskid: "passed", lifts: true },
          { taskid: "briefly", lifts: true, timeoutMilliseconds: 400 },
          { taskid: "short", timeoutMilliseconds: 400 },
        ],
      },
      protocolConversion: {
        tasks: [{ taskid: "1" }, { taskid: "short", streamTimeoutMilliseconds: 1400 }],
        ...(name === "held" && { holdsHeaders: true }),
      },
      rateLimit: { tasks: [], tenants: [] },
      accessLog: {},
    };
    gateways[name] = await startEnvoy({
      envoy: await findEnvoy(),
      concurrency: 1,
      bootstrap: bootstrap({
        tasks: [
          ...tasks.map((taskid) => ({ taskid, port, timeoutMs: 300 })),
          ...passing.map((taskid) => ({ taskid, port: events.port, timeoutMs: 300, http1: true })),
        ],
        filters: [wasmFilter("gateway", modulePath("gateway"), config)],
        accessLogs: [fileAccessLog(join(folder.path, name))],
      }),
    });
  }
});
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((envoy) => envoy.stop()));
  server.forceShutdown();
  eventServer.closeAllConnections();
  eventServer.close();
  await folder?.remove();
});

let requests = 0;

async function send(name: "held" | "plain", taskid = "1", operation = "infer", body = '{"inputs":[]}') {
  const id = `stream-${++requests}`;
  const response = await fetch(`http://127.0.0.1:${gateways[name]?.port}/v2/models/m/${operation}`, {
    method: "POST",
    headers: { "x-api-key": KEY, taskid, accept: "application/x-ndjson", "x-request-id": id },
    body,
  });
  const text = await response.text().catch((error: Error) => `broken: ${error.message}`);
  return { status: response.status, text, id, type: response.headers.get("content-type") };
}

const escaped = (text: string) => text.replaceAll(/[{}[\]."]/g, "\\$&");

/** Reads a stream up to where it ends or breaks off. */
async function read(
  name: "held" | "plain",
  taskid: string,
  accept = "application/x-ndjson",
  path = "/v2/models/m/infer",
) {
  const id = `stream-${++requests}`;
  const response = await fetch(`http://127.0.0.1:${gateways[name]?.port}${path}`, {
    method: "POST",
    headers: { "x-api-key": KEY, taskid, accept, "x-request-id": id },
    body: '{"inputs":[]}',
  });
  const pieces: string[] = [];
  const decoder = new TextDecoder();
  try {
    for await (const piece of response.body ?? []) pieces.push(decoder.decode(piece, { stream: true }));
  } catch {
    // It was cut: what came before is what is looked at.
  }
  return { status: response.status, text: pieces.join(""), id };
}

async function logged(name: "held" | "plain", id: string): Promise<Record<string, unknown>> {
  const read = async () => {
    const text = await readFile(join(folder.path, name), "utf8").catch(() => "");
    return text.split("\n").find((line) => line.includes(`"${id}"`));
  };
  await expect.poll(read).toBeDefined();
  return JSON.parse((await read()) ?? "{}");
}

const fails =
  (code: grpc.status): Script =>
  async (call) => {
    call.emit("error", { code, details: "as asked" });
  };

describe("with headers that wait for the first message", () => {
  it.each([
    ["an unknown model", [failure(UNKNOWN)], 404, UNKNOWN, "model_error_5"],
    ["an error", [failure("no input x"), REPLY], 400, "no input x", "model_error_2"],
  ])("%s has its own status", async (_name, messages, status, error, reason) => {
    script = async (call) => {
      for (const message of messages) call.write(message);
      call.end();
    };
    const answer = await send("held");
    expect([answer.status, JSON.parse(answer.text)]).toEqual([status, { error, reason }]);
    expect(await logged("held", answer.id)).toMatchObject({ response_code: status, reason });
  });

  it("so has a stream that ends with a status, whose headers came before", async () => {
    script = async (call) => {
      call.sendMetadata(new grpc.Metadata());
      await pace(50);
      await fails(grpc.status.NOT_FOUND)(call);
    };
    const answer = await send("held");
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      404,
      { error: "as asked", reason: "model_error_5" },
    ]);
  });

  it.each([0, 50])("a stream without a reply is 204, its headers %s ms before", async (ms) => {
    script = async (call) => {
      if (ms > 0) call.sendMetadata(new grpc.Metadata());
      await pace(ms);
      call.end();
    };
    const answer = await send("held");
    expect([answer.status, answer.text]).toEqual([204, ""]);
  });

  it("replies go on as they come", async () => {
    script = async (call) => {
      call.write(REPLY);
      call.write(REPLY);
      call.end();
    };
    const answer = await send("held");
    expect([answer.status, answer.text]).toEqual([200, `${JSON_REPLY}\n${JSON_REPLY}\n`]);
    expect(await logged("held", answer.id)).not.toHaveProperty("reason");
  });
});

describe("with headers that went out", () => {
  it("an error is an event, and stands in the log", async () => {
    for (const name of ["held", "plain"] as const) {
      const first = name === "held" ? [REPLY] : [];
      script = async (call) => {
        for (const message of [...first, failure(UNKNOWN), REPLY]) call.write(message);
        call.end();
      };
      const { status, text, id } = await send(name);
      const lines = [...first.map(() => JSON_REPLY), JSON.stringify({ error: UNKNOWN }), JSON_REPLY];
      expect([status, text]).toEqual([200, lines.map((line) => `${line}\n`).join("")]);
      expect(await logged(name, id)).toMatchObject({ response_code: 200, reason: "model_error_5" });
    }
  });

  it("a stream without a reply says so in the log", async () => {
    script = async (call) => {
      call.sendMetadata(new grpc.Metadata());
      await pace(50);
      call.end();
    };
    const { status, text, id } = await send("plain");
    expect([status, text]).toEqual([200, ""]);
    expect(await logged("plain", id)).toMatchObject({ reason: "stream_empty" });
  });
});

describe("Triton's generate extension", () => {
  const output = (text: string) =>
    ModelStreamInferResponse.encode({
      inferResponse: {
        modelName: "m",
        parameters: { triton_final_response: { boolParam: false } },
        outputs: [{ name: "text_output", datatype: "BYTES", shape: [1] }],
        rawOutputContents: [Buffer.from([text.length, 0, 0, 0, ...Buffer.from(text)])],
      },
    }).finish();
  const says =
    (...messages: Uint8Array[]): Script =>
    async (call) => {
      for (const message of messages) {
        call.write(message);
        await pace(20);
      }
      call.end();
    };
  const TWO = /exactly 1 response/;
  // Longer than what Envoy reads at once: it comes while the gateway asks what the model takes.
  const prompt = "a prompt \u00fc".repeat(20_000);
  const ask = (name: "held" | "plain", operation: string) =>
    send(name, "1", operation, JSON.stringify({ text_input: prompt, parameters: { top_k: 3 } }));

  it.each(["held", "plain"] as const)("has an event for each reply, headers %s", async (name) => {
    const before = questions;
    script = says(output("one"), output("two"), failure("no more"));
    const { status, type, text } = await ask(name, "generate_stream");
    const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
    expect([status, type, text]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
      event({ model_name: "m", text_output: "one" }) +
        event({ model_name: "m", text_output: "two" }) +
        event({ error: "no more" }),
    ]);
    const message = ModelInferRequest.toObject(ModelInferRequest.decode(asked), { longs: Number });
    expect(message).toMatchObject({
      inputs: [{ name: "text_input", datatype: "BYTES", shape: [1] }],
      parameters: { top_k: { int64Param: 3 } },
    });
    expect(Buffer.from(message.rawInputContents[0]).toString("utf8", 4)).toBe(prompt);
    await ask(name, "generate_stream");
    expect(questions).toBe(before + 1);
  });

  it("has one reply where one is asked for, once its stream is over", async () => {
    for (const name of ["held", "plain"] as const) {
      script = says(output("all"));
      const { status, type, text } = await ask(name, "generate");
      expect([status, type, JSON.parse(text)]).toEqual([
        200,
        "application/json",
        { model_name: "m", text_output: "all" },
      ]);
    }
  });

  it("says what is wrong, with a status where headers wait", async () => {
    for (const [messages, status, reason, error] of [
      [[output("a"), output("b")], 500, "replies_not_one", TWO],
      [[failure(UNKNOWN)], 404, "model_error_5", /unknown model/],
      [[], 500, "replies_not_one", TWO],
    ] as const) {
      script = says(...messages);
      const held = await ask("held", "generate");
      expect([held.status, JSON.parse(held.text).error]).toEqual([status, expect.stringMatching(error)]);
      expect(await logged("held", held.id)).toMatchObject({ response_code: status, reason });
      if (messages.length === 0) continue;
      const plain = await ask("plain", "generate");
      expect([plain.status, JSON.parse(plain.text).error]).toEqual([200, expect.stringMatching(error)]);
      expect(await logged("plain", plain.id)).toMatchObject({ response_code: 200, reason });
    }
  });
});

describe("time", () => {
  const alive: Script = async (call) => {
    for (let i = 0; i < 10 && !call.cancelled; i++) {
      call.write(REPLY);
      await pace(100);
    }
    call.end();
  };

  it("of a stream is not that of a request", async () => {
    script = alive;
    expect(await send("held")).toMatchObject({ status: 200, text: `${JSON_REPLY}\n`.repeat(10) });
  });

  it("of a gRPC caller's stream neither", async () => {
    script = alive;
    const address = `127.0.0.1:${gateways.held?.port}`;
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set("x-api-key", KEY);
    metadata.set("taskid", "1");
    const call = client.makeBidiStreamRequest(
      PATH,
      METHOD.requestSerialize,
      METHOD.responseDeserialize,
      metadata,
    );
    call.write(Buffer.alloc(0));
    call.end();
    let replies = 0;
    for await (const _ of call as AsyncIterable<Buffer>) replies++;
    expect(replies).toBe(10);
    client.close();
  });

  const CUT = "the stream took longer than its task's stream.timeout";
  const cut = JSON.stringify({ error: CUT, reason: "stream_timeout" });

  it("of a stream is what the task says: its last line is an error", async () => {
    script = alive;
    for (const name of ["held", "plain"] as const) {
      const { status, text, id } = await read(name, "short");
      expect([status, text]).toEqual([
        200,
        expect.stringMatching(new RegExp(`^(${escaped(JSON_REPLY)}\n){4,6}${escaped(cut)}\n$`)),
      ]);
      expect(await logged(name, id)).toMatchObject({ response_code: 200, reason: "stream_timeout" });
    }
  });

  it("of a stream that the gateway passes on is not that of a request, for callers who ask for one", async () => {
    const all = Array.from({ length: 10 }, (_, index) => `data: ${index}\n\n`).join("");
    const asks = [
      ["passed", "text/event-stream", "/any"],
      ["passed", "application/json, text/event-stream", "/any"],
      ["passed", "*/*", "/v2/models/m/generate_stream?a=b"],
    ] as const;
    const whole = await Promise.all(
      asks.map(([taskid, accept, path]) => read("plain", taskid, accept, path)),
    );
    expect(whole.map(({ text }) => text)).toEqual([all, all, all]);
    // Who takes anything gets a reply, which has the time of one.
    const others = ["*/*", "application/json", "text/event-stream;q=0.5, application/json"];
    const cut = await Promise.all(others.map((accept) => read("plain", "passed", accept)));
    for (const { text } of cut) expect(all.startsWith(text) && text !== all, text).toBe(true);
  });

  it("and ends as the task says, between two events, with an error as the last one", async () => {
    const { status, text, id } = await read("plain", "briefly", "text/event-stream");
    expect([status, text]).toEqual([
      200,
      expect.stringMatching(new RegExp(`^(data: \\d\n\n){3,6}data: ${escaped(cut)}\n\n$`)),
    ]);
    expect(await logged("plain", id)).toMatchObject({ response_code: 200, reason: "stream_timeout" });
  });

  it("so it does over HTTP/2, whose stream is then reset", async () => {
    const session = connect(`http://127.0.0.1:${gateways.plain?.port}`);
    onTestFinished(() => session.destroy());
    const headers = { "x-api-key": KEY, taskid: "briefly", accept: "text/event-stream", ":path": "/any" };
    const stream = session.request({ ":method": "POST", ...headers });
    stream.end("{}");
    let text = "";
    stream.setEncoding("utf8").on("data", (piece) => {
      text += piece;
    });
    await new Promise((resolve) => stream.once("error", resolve).once("close", resolve));
    expect([text.endsWith(`data: ${cut}\n\n`), stream.rstCode]).toEqual([true, expect.any(Number)]);
    expect(stream.rstCode).not.toBe(0);
  });

  it("a silent stream is cut by Envoy, a second later", async () => {
    const before = performance.now();
    const { text } = await read("plain", "briefly", "text/event-stream", "/silent");
    expect(text).toBe("data: 0\n\n");
    expect(performance.now() - before).toBeGreaterThan(1300);
  });
});
