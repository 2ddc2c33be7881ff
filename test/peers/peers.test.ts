import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { until } from "../support/until.ts";

const PYTHON = process.env.PEERS_PYTHON ?? "";
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Failed {
  status: string;
  message: string;
}

let server: ChildProcess;
let envoy: RunningEnvoy;
let answers: {
  live: boolean;
  ready: boolean;
  modelReady: boolean;
  noModelReady: boolean;
  serverMetadata: { name: string };
  modelMetadata: { name: string; inputs: object[] };
  noModel: Failed;
  refused: Failed;
  noCredential: Failed;
  infer: Record<string, object>;
};

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts MLServer with the models of `models/`. @returns its port for gRPC */
async function startServer(): Promise<number> {
  const [http, grpc] = [await freePort(), await freePort()];
  server = spawn(`${dirname(PYTHON)}/mlserver`, ["start", path("models")], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      MLSERVER_HTTP_PORT: `${http}`,
      MLSERVER_GRPC_PORT: `${grpc}`,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  const ready = async () => {
    if (server.exitCode !== null) throw new Error("MLServer ended");
    return (await fetch(`http://127.0.0.1:${http}/v2/models/echo/ready`).catch(() => undefined))?.ok;
  };
  await until(ready, { withinMs: 60_000, everyMs: 200, message: "MLServer did not become ready" });
  return grpc;
}

beforeAll(async () => {
  const port = await startServer();
  const tenant = pluginConfig.tenantAuth.tenants[0];
  const config = {
    ...pluginConfig,
    tenantAuth: { tenants: [{ ...tenant, tasks: [{ task: "peer" }] }] },
    protocolConversion: { tasks: [{ taskid: "peer" }] },
  };
  envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 2,
    bootstrap: bootstrap({
      tasks: [{ taskid: "peer", port }],
      accessLogs: [],
      filters: [wasmFilter("gateway", modulePath("gateway"), config)],
    }),
  });
  const headers = JSON.stringify({ "x-api-key": KEY, taskid: "peer" });
  const { stdout } = await promisify(execFile)(PYTHON, [
    path("client.py"),
    `127.0.0.1:${envoy.port}`,
    headers,
  ]);
  answers = JSON.parse(stdout);
});
afterAll(async () => {
  await envoy?.stop();
  server?.kill();
});

describe("tritonclient, through the gateway, to MLServer", () => {
  it("asks whether server and model are live and ready", () => {
    const { live, ready, modelReady, noModelReady } = answers;
    expect({ live, ready, modelReady, noModelReady }).toEqual({
      live: true,
      ready: true,
      modelReady: true,
      noModelReady: false,
    });
  });

  it("gets metadata", () => {
    expect(answers.serverMetadata.name).toBe("mlserver");
    expect(answers.modelMetadata).toMatchObject({
      name: "echo",
      inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
    });
  });

  it("sends and gets tensors of each datatype, as JSON and as binary data", () => {
    const cases = Object.entries(answers.infer);
    expect(cases).toHaveLength(33);
    const failed = cases.filter(([, answer]) => !("same" in answer) || answer.same !== true);
    expect(failed).toEqual([]);
    for (const [, answer] of cases) expect(answer).toEqual({ same: true, id: "7", model: "echo" });
  });

  it("gets the errors of model and gateway", () => {
    expect(answers.noModel).toMatchObject({ status: "404" });
    expect(answers.refused).toMatchObject({ message: expect.stringContaining("bad is no input") });
    expect(answers.noCredential).toMatchObject({ status: "401" });
  });
});
