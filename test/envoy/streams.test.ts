import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { ModelStreamInferResponse } from "../support/conversion.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
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

let script: Script = async () => undefined;
const server = new grpc.Server();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** One that may hold headers, as `dev` may, and one that may not, as a WasmPlugin. */
const gateways: Partial<Record<"held" | "plain", RunningEnvoy>> = {};

beforeAll(async () => {
  server.addService(
    { ModelStreamInfer: METHOD },
    {
      ModelStreamInfer: (call: grpc.ServerDuplexStream<Buffer, Uint8Array>) => {
        // What a cut stream says is not looked at.
        call.on("error", () => undefined);
        call.once("data", () => void script(call));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  folder = await temporaryFolder(join(tmpdir(), "modelgate-streams-"));
  const [tenant] = pluginConfig.tenantAuth.tenants;
  const tasks = ["1", "short"];
  for (const name of ["held", "plain"] as const) {
    const config = {
      tenantAuth: { tenants: [{ ...tenant, tasks: tasks.map((task) => ({ task })) }] },
      protocolConversion: {
        tasks: [{ taskid: "1" }, { taskid: "short", streamTimeoutMilliseconds: 600 }],
        ...(name === "held" && { holdsHeaders: true }),
      },
      rateLimit: { tasks: [], tenants: [] },
      accessLog: {},
    };
    gateways[name] = await startEnvoy({
      envoy: await findEnvoy(),
      concurrency: 1,
      bootstrap: bootstrap({
        tasks: tasks.map((taskid) => ({ taskid, port, timeoutMs: 300 })),
        filters: [wasmFilter("gateway", modulePath("gateway"), config)],
        accessLogs: [fileAccessLog(join(folder.path, name))],
      }),
    });
  }
});
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((envoy) => envoy.stop()));
  server.forceShutdown();
  await folder?.remove();
});

let requests = 0;

async function send(name: "held" | "plain", taskid = "1") {
  const id = `stream-${++requests}`;
  const response = await fetch(`http://127.0.0.1:${gateways[name]?.port}/v2/models/m/infer`, {
    method: "POST",
    headers: { "x-api-key": KEY, taskid, accept: "application/x-ndjson", "x-request-id": id },
    body: '{"inputs":[]}',
  });
  const text = await response.text().catch((error: Error) => `broken: ${error.message}`);
  return { status: response.status, text, id };
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

  it("of a stream is what the task says", async () => {
    script = alive;
    const { status, text } = await send("held", "short");
    expect([status, text]).toEqual([200, expect.stringMatching(/^broken/)]);
  });
});
