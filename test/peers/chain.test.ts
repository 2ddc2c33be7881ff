import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, startBackend } from "../bench/conversion/backend.ts";
import { type Case, grpcReply, ModelInferRequest, type Tensor, tensorOf } from "../bench/conversion/cases.ts";
import type { ChainConfig } from "../bench/peers/chain-config.ts";
import { attacker, claims, ISSUER, jwks, jwt, seconds } from "../support/auth.ts";
import { pace } from "../support/pace.ts";
import { CHAIN_PEERS, type RunningChain } from "./chain-peers.ts";

/** The peers that the bench compares the whole chain with: do they do what they are measured for? */

const FEW = 10;
const config: ChainConfig = {
  issuer: ISSUER,
  audiences: ["others", "models"],
  jwks,
  tasks: [
    { taskid: "many", requestsPerSecond: 1e6 },
    { taskid: "few", requestsPerSecond: FEW },
  ],
};
const floats = tensorOf({ direction: "JSON -> gRPC", data: "FP32, 6 digits", size: 2000 });
const INFER = "/v2/models/m/infer";
const GRPC = "/inference.GRPCInferenceService/ModelInfer";

const bad: [string, string | undefined][] = [
  ["no token", undefined],
  ["no JWT", "Bearer x"],
  ["another scheme", `Basic ${jwt()}`],
  ["another's signature", `Bearer ${jwt({ key: attacker.privateKey })}`],
  ["a key kept for another algorithm", `Bearer ${jwt({ key: attacker.privateKey, kid: "only-rs512" })}`],
  ["an unknown key", `Bearer ${jwt({ kid: "unknown" })}`],
  ["an empty signature", `Bearer ${jwt({ signature: "" })}`],
  ["the algorithm none", `Bearer ${jwt({ header: { alg: "none" }, signature: "" })}`],
  ["an HMAC", `Bearer ${jwt({ alg: "HS256", kid: "hs" })}`],
  ["an expired token", `Bearer ${jwt({ claims: claims({ exp: seconds() - 120 }) })}`],
  ["a token without end", `Bearer ${jwt({ claims: claims({ exp: undefined }) })}`],
  ["a token not yet valid", `Bearer ${jwt({ claims: claims({ nbf: seconds() + 300 }) })}`],
  ["another audience", `Bearer ${jwt({ claims: claims({ aud: "model" }) })}`],
  ["no audience", `Bearer ${jwt({ claims: claims({ aud: undefined }) })}`],
  ["another issuer", `Bearer ${jwt({ claims: claims({ iss: "https://other.example" }) })}`],
];

for (const peer of CHAIN_PEERS) {
  const built = await peer.build();
  const missing = "missing" in built ? built.missing : undefined;

  describe.skipIf(missing)(`${peer.name}${missing ? `, missing: ${missing}` : ""}`, () => {
    let backend: Backend;
    let folder: string;
    let chain: RunningChain;
    /** Remembers no token. */
    let forgetful: RunningChain;

    beforeAll(async () => {
      backend = await startBackend();
      backend.keep = true;
      backend.plainReply = Buffer.from("ok");
      folder = await mkdtemp(join(tmpdir(), "modelgate-chain-"));
      const start = (name: string, more: Partial<ChainConfig>) => {
        const { path } = built as { path: string };
        return peer.start(path, { ...config, ...more }, backend.port, join(folder, name));
      };
      chain = await start("access.log", {});
      forgetful = await start("forgetful.log", { tokenCache: 0 });
    });
    afterAll(async () => {
      await Promise.all([chain?.stop(), forgetful?.stop()]);
      backend?.stop();
      if (folder) await rm(folder, { recursive: true });
    });

    interface Call {
      /** Header `authorization`; undefined: none. */
      authorization: string | undefined;
      taskid?: string;
      body?: string;
      /** Names the call in the log. */
      agent?: string;
      to?: RunningChain;
    }

    function infer({ authorization, taskid = "many", body, agent = "test", to = chain }: Call) {
      const headers = { taskid, "content-type": "application/json", "user-agent": agent };
      return fetch(`http://127.0.0.1:${to.port}${INFER}`, {
        method: "POST",
        headers: { ...headers, ...(authorization && { authorization }) },
        body: body ?? peer.request(floats),
      });
    }

    it("converts tensors there and back, without the token", async () => {
      const others: Case = { direction: "gRPC -> JSON", data: "INT64", size: 2000 };
      for (const tensor of [floats, tensorOf({ ...others, data: "BYTES" }), tensorOf(others)]) {
        backend.grpcReply = grpcReply(tensor, peer.name !== "JVM gateway");
        const body = peer.request(tensor);
        const answer = await infer({ authorization: `Bearer ${jwt()}`, body, agent: tensor.datatype });
        expect(answer.status).toBe(200);
        expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
        expectReply(await answer.json(), tensor);
        expectRequest(backend.last, tensor);
        expect(backend.lastHeaders.authorization).toBeUndefined();
        expect(backend.lastHeaders[":path"]).toBe(GRPC);
      }
    });

    it("refuses bad tokens", async () => {
      const refused = await Promise.all(
        bad.map(async ([name, authorization]) => {
          const answer = await infer({ authorization, agent: name });
          return [name, answer.status, Object.keys((await answer.json()) as object)];
        }),
      );
      expect(refused).toEqual(bad.map(([name]) => [name, 401, ["error"]]));
    });

    it("takes good tokens again and again until they expire", async () => {
      backend.grpcReply = grpcReply(floats, peer.name !== "JVM gateway");
      const several = jwt({ claims: claims({ aud: ["x", "models"], sub: "several" }) });
      const short = jwt({ claims: claims({ exp: seconds() + 3 }) });
      for (const to of [chain, forgetful]) {
        for (const token of [several, several, short, short]) {
          const agent = token === several ? "several" : "short";
          expect((await infer({ authorization: `Bearer ${token}`, agent, to })).status).toBe(200);
        }
      }
      await pace(3500);
      for (const to of [chain, forgetful]) {
        expect((await infer({ authorization: `Bearer ${short}`, agent: "expired", to })).status).toBe(401);
      }
    });

    it("limits each task over all workers, and knows no others", async () => {
      const authorization = `Bearer ${jwt()}`;
      const start = performance.now();
      const few = Array.from({ length: 40 }, () => infer({ authorization, taskid: "few", agent: "few" }));
      const answers = await Promise.all(few);
      const passed = (performance.now() - start) / 1000;
      const admitted = answers.filter(({ status }) => status === 200).length;
      expect(admitted).toBeGreaterThanOrEqual(FEW);
      expect(admitted).toBeLessThanOrEqual(FEW * (1 + passed));
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(40 - admitted);
      expect((await infer({ authorization })).status).toBe(200);
      expect((await infer({ authorization, taskid: "unknown", agent: "unknown" })).status).toBe(403);
    });

    it("answers what is no tensor with 400", async () => {
      for (const body of ["[", '{"inputs":[{"name":{}}]}']) {
        const { status } = await infer({ authorization: `Bearer ${jwt()}`, body });
        expect([body, status]).toEqual([body, 400]);
      }
    });

    it("lets gRPC and requests without a body through", async () => {
      const message = ModelInferRequest.serialize({ model_name: "m", raw_input_contents: [floats.raw] });
      const frame = Buffer.concat([Buffer.alloc(5), message]);
      frame.writeUInt32BE(message.length, 1);
      backend.grpcReply = grpcReply(floats, true);
      const headers = { authorization: `Bearer ${jwt()}`, taskid: "many" };
      const { status, body } = await callGrpc(chain.port, headers, frame);
      expect(status).toBe("0");
      expect(body.equals(backend.grpcReply)).toBe(true);
      expect(backend.last.equals(frame)).toBe(true);
      const url = `http://127.0.0.1:${chain.port}${peer.emptyPath}`;
      const empty = await fetch(url, { headers });
      expect([empty.status, await empty.text()]).toEqual([200, "ok"]);
      expect((await fetch(url)).status).toBe(401);
    });

    it("logs each request and what was decided", async () => {
      const wanted = [
        ...["FP32", "BYTES", "INT64"].map((agent) => [agent, "many", 200, "admitted batch"]),
        ...bad.map(([name]) => [name, "many", 401, expect.stringMatching(/^refused token_/)]),
        ["several", "many", 200, "admitted several"],
        ["expired", "many", 401, expect.stringMatching(/^refused token_/)],
        ["few", "few", 429, "refused task_rate_limited"],
        ["unknown", "unknown", 403, "refused task_unknown"],
      ];
      await expect.poll(() => linesOf(join(folder, "access.log"))).toEqual(expect.arrayContaining(wanted));
    });
  });
}

/** Of an access log: user agent, task, response code and decision of each request so far. */
async function linesOf(file: string): Promise<unknown[][]> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  return lines.map((line) => {
    const { user_agent, taskid, response_code, decision } = JSON.parse(line);
    return [user_agent, taskid, response_code, decision];
  });
}

function expectRequest(frame: Buffer, { datatype, count, raw, typed }: Tensor): void {
  const message = ModelInferRequest.deserialize(frame.subarray(5)) as unknown as {
    model_name: string;
    inputs: {
      name: string;
      datatype: string;
      shape: unknown[];
      contents: Record<string, unknown[]> | null;
    }[];
    raw_input_contents: Buffer[];
  };
  expect(message.model_name).toBe("m");
  expect(message.inputs).toHaveLength(1);
  const [input] = message.inputs;
  expect(input).toMatchObject({ name: "x", datatype });
  expect(input?.shape.map(Number)).toEqual([count]);
  const [contents] = message.raw_input_contents;
  if (contents) expect(contents.equals(raw)).toBe(true);
  else expect(plain(input?.contents)).toEqual(plain(typed));
}

/** Of field values: numbers as numbers of 32 bits where they are no whole ones, bytes as text. */
function plain(contents: object | null | undefined): unknown[] {
  const lists = Object.values(contents ?? {}) as unknown[][];
  return (lists.find((list) => list.length > 0) ?? []).map((value) =>
    Buffer.isBuffer(value) ? value.toString() : Math.fround(Number(value)),
  );
}

function expectReply(json: unknown, { datatype, count, restElements, typed }: Tensor): void {
  const { outputs } = json as { outputs: Record<string, unknown>[] };
  expect(outputs).toHaveLength(1);
  const [output] = outputs as [Record<string, unknown>];
  expect(output).toMatchObject({ name: "y", datatype });
  expect((output.shape as unknown[]).map(Number)).toEqual([count]);
  if (output.data) {
    const same = datatype === "FP32" ? (output.data as number[]).map(Math.fround) : output.data;
    expect(same).toEqual(
      datatype === "FP32" ? restElements.map((value) => Math.fround(Number(value))) : restElements,
    );
  } else {
    const decoded = Object.values(output.contents as object)[0].map((value: unknown) =>
      datatype === "BYTES" ? Buffer.from(String(value), "base64") : value,
    );
    expect(plain({ decoded })).toEqual(plain(typed));
  }
}

async function callGrpc(
  port: number,
  headers: object,
  frame: Buffer,
): Promise<{ status: unknown; body: Buffer }> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": GRPC,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let status: unknown;
    stream.on("response", (answer) => {
      status = answer["grpc-status"];
    });
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    stream.end(frame);
    const body = await buffer(stream);
    return { status, body };
  } finally {
    session.close();
  }
}
