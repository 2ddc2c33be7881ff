import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { freePort } from "../support/free-port.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { writeRepository } from "./repository.ts";

/** Triton Inference Server with the models of the lane, and the gateway in front of its gRPC. */
export interface Stack {
  /** Python of the environment, for clients. */
  python: string;
  /** Triton's own REST and gRPC, `host:port`. */
  http: string;
  grpc: string;
  /** The gateway. */
  gateway: string;
  stop(): Promise<void>;
}

export const TASKID = "triton";
/** What a caller of the gateway sends with each request. */
export const CREDENTIALS = { "x-api-key": KEY, taskid: TASKID };

const READY_WITHIN_MS = 60_000;

/** @throws Error when Triton does not become ready within a minute */
export async function startStack(): Promise<Stack> {
  const environment = process.env.TRITON_ENVIRONMENT ?? "";
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-triton-"));
  const [http, grpc] = [await freePort(), await freePort()];
  const server = await startTriton(environment, folder.path, http, grpc);
  try {
    await ready(server, http);
    const envoy = await startGateway(grpc);
    return {
      python: `${environment}/bin/python`,
      http: `127.0.0.1:${http}`,
      grpc: `127.0.0.1:${grpc}`,
      gateway: `127.0.0.1:${envoy.port}`,
      async stop() {
        await envoy.stop();
        await end(server);
        await folder.remove();
      },
    };
  } catch (error) {
    await end(server);
    throw error;
  }
}

async function startGateway(port: number) {
  const [tenant] = pluginConfig.tenantAuth.tenants;
  const config = {
    ...pluginConfig,
    tenantAuth: { tenants: [{ ...tenant, tasks: [{ task: TASKID, inspect: true }] }] },
    // As in `dev`: an error before the first event has a status of its own.
    protocolConversion: { tasks: [{ taskid: TASKID }], holdsHeaders: true },
  };
  return startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: [{ taskid: TASKID, port }],
      filters: [wasmFilter("gateway", modulePath("gateway"), config)],
    }),
  });
}

async function startTriton(environment: string, folder: string, http: number, grpc: number) {
  const packages = join(environment, "lib", await pythonOf(environment), "site-packages");
  const distribution = join(packages, "pytriton", "tritonserver");
  await backend(distribution, await pythonOf(environment), join(folder, "backends"));
  await writeRepository(join(folder, "models"));
  const address = "127.0.0.1";
  return spawn(
    join(distribution, "bin", "tritonserver"),
    [
      ...["--model-repository", join(folder, "models"), "--backend-directory", join(folder, "backends")],
      ...["--http-address", address, "--http-port", `${http}`],
      ...["--grpc-address", address, "--grpc-port", `${grpc}`],
      ...["--allow-metrics", "false", "--grpc-header-forward-pattern", ".*"],
      ...["--log-info", "false", "--log-file", join(folder, "log")],
    ],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        PATH: `${environment}/bin:${process.env.PATH}`,
        LD_LIBRARY_PATH: join(packages, "nvidia_pytriton.libs"),
        PYTHONDONTWRITEBYTECODE: "1",
      },
    },
  );
}

/** Such as `python3.11`. */
async function pythonOf(environment: string): Promise<string> {
  const [version] = await readdir(join(environment, "lib"));
  if (!version) throw new Error(`${environment} holds no Python`);
  return version;
}

/** The Python backend with the stub of this Python: the wheel has one for each version, beside it. */
async function backend(distribution: string, python: string, folder: string): Promise<void> {
  const to = join(folder, "python");
  await mkdir(to, { recursive: true });
  for (const name of ["libtriton_python.so", "triton_python_backend_utils.py"])
    await copyFile(join(distribution, "backends", "python", name), join(to, name));
  const stub = "triton_python_backend_stub";
  const version = python.replace("python", "");
  await copyFile(join(distribution, "python_backend_stubs", version, stub), join(to, stub));
}

async function ready(server: ChildProcess, http: number): Promise<void> {
  const isReady = async () => {
    if (server.exitCode !== null) throw new Error("Triton ended before it was ready");
    const answer = await fetch(`http://127.0.0.1:${http}/v2/health/ready`).catch(() => undefined);
    return answer?.ok;
  };
  await until(isReady, { withinMs: READY_WITHIN_MS, everyMs: 200, message: "Triton did not become ready" });
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const exited = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  await exited;
}
