import { readFile } from "node:fs/promises";
import { GrpcConnection } from "../../../tools/serving/model-client/grpc-connection.ts";
import { until } from "../../support/until.ts";
import type { Backend } from "../conversion/backend.ts";
import { holdsTensor } from "../conversion/cases.ts";
import type { Call } from "./cells.ts";
import { CONTROL, type Gateway, PLAIN } from "./gateways.ts";
import { LIMITED_TASK, requestOf, tensorFor } from "./requests.ts";

const TINY_BYTES = 200;
/** More than any burst that a limit of one a second gives. */
const BURST = 6;
const LOG_TIMEOUT_MS = 5000;
const CALL_TIMEOUT_MS = 10_000;

/**
 * Sends one request of each kind through a gateway and looks at what becomes of it.
 * @throws Error that says what the gateway does not do
 */
export async function check(gateway: Gateway, port: number, backend: Backend): Promise<void> {
  backend.keep = true;
  try {
    for (const call of gateway.calls) await checkCall(call, gateway, port, backend);
  } finally {
    backend.keep = false;
  }
  if (isPlain(gateway)) return;
  const status = async (credential: Record<string, string>, taskid?: string) => {
    const { path, headers } = requestOf("GET", tensorFor("GET", 0), gateway.dialect);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { ...headers, ...credential, ...(taskid && { taskid }) },
    });
    await response.arrayBuffer();
    return response.status;
  };
  const nobody = await status({});
  if (nobody !== 401) throw new Error(`answers ${nobody} to a caller without a credential`);
  const unknown = await status(gateway.unknown);
  if (unknown !== 401) throw new Error(`answers ${unknown} to a caller with a wrong credential`);
  const burst = [];
  for (let i = 0; i < BURST; i++) burst.push(await status(gateway.credential, LIMITED_TASK));
  if (burst[0] !== 200 || !burst.includes(429)) throw new Error(`a limit of 1 a second gives ${burst}`);
  await checkLog(gateway);
}

function isPlain({ name }: Gateway): boolean {
  return name === PLAIN || name === CONTROL;
}

async function checkCall(call: Call, gateway: Gateway, port: number, backend: Backend): Promise<void> {
  const tensor = tensorFor(call, TINY_BYTES);
  const { path, headers, body, grpcReply } = requestOf(call, tensor, gateway.dialect);
  backend.grpcReply = grpcReply;
  backend.last = Buffer.alloc(0);
  if (call === "gRPC") {
    const connection = new GrpcConnection(`http://127.0.0.1:${port}`);
    const payload = (body as Buffer).subarray(5);
    const request = { protocol: "grpc" as const, method: "POST" as const, path, payload };
    const sent = { ...request, headers: { ...headers, ...gateway.credential } };
    const { ok, reason } = await connection.send(sent, CALL_TIMEOUT_MS);
    connection.close();
    if (!ok) throw new Error(`fails a gRPC call: ${reason}`);
  } else {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: body ? "POST" : "GET",
      headers: { ...headers, ...gateway.credential },
      ...(body && { body: Uint8Array.from(body) }),
    });
    const text = await response.text();
    if (response.status !== 200)
      throw new Error(`answers ${response.status} to ${call}: ${text.slice(0, 200)}`);
    if (call === "GET" || isPlain(gateway)) return;
    const [output] = JSON.parse(text).outputs;
    if (!output.data && !output.contents) throw new Error("does not answer with the tensor");
  }
  const credentials = Object.keys(gateway.credential).filter((name) => name in backend.lastHeaders);
  if (credentials.length > 0) throw new Error(`shows the model server ${credentials}`);
  if (!holdsTensor(backend.last, tensor)) throw new Error(`does not send the tensor of ${call} on`);
}

/** A line of JSON with a task is what each writes. */
async function checkLog({ logFile }: Gateway): Promise<void> {
  const isLogged = async () => {
    const [line] = (await readFile(logFile, "utf8").catch(() => "")).split("\n");
    return line && "taskid" in JSON.parse(line);
  };
  await until(isLogged, { withinMs: LOG_TIMEOUT_MS, message: "it writes no log line with the task" });
}
