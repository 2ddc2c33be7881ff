import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HeaderList } from "../../lib/host/header-pairs.ts";
import type { Stream } from "../../lib/host/stream.ts";
import { Vm } from "../../lib/host/vm.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { readPlaces } from "../../lib/wasm/places.ts";
import { trapping } from "../../lib/wasm/trap.ts";
import { sourceIn } from "../own-module/compile.ts";
import { compileFilter } from "./compile.ts";

export { startEnvoyWithFilter } from "./envoy.ts";

/** Half of an exchange. Names of headers in lower case. */
export interface Message {
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

interface Passed {
  headers: Record<string, string>;
  body: Buffer;
}

/** What became of a request and its response. */
export interface Exchanged {
  /** The answer that the filter gave itself; `details` are Envoy's response code details. */
  reply: { status: number; details: string; headers: Record<string, string>; body: string } | undefined;
  /** What the server gets; after a reply of the filter's: what there was of it. */
  request: Passed;
  /** What the caller gets, unless the filter replied. */
  response: Passed;
}

/** A filter in the Node host. */
export interface LoadedFilter {
  /** Runs a request, and the server's response to it, through the filter. */
  exchange(request: Message, response?: Message): Exchanged;
  vm: Vm;
}

/**
 * Compiles the filter of a folder and runs it in Node's WebAssembly, in a host that stands for Envoy. An
 * exception in it is a TrapError here, with the place in `folder` where it was.
 * @throws Error with the filter's own words when it refuses the configuration
 */
export async function loadFilter(folder: string, configuration: object): Promise<LoadedFilter> {
  const temporary = await temporaryFolder(join(tmpdir(), "modelgate-filter-"));
  try {
    const module = join(temporary.path, "filter.wasm");
    await compileFilter(folder, module);
    const places = readPlaces(module, sourceIn(folder));
    const vm = new Vm(module);
    if (!vm.configure(configuration)) throw new Error(vm.logs.join("\n"));
    return {
      vm,
      exchange: (request, response = {}) => trapping(places, vm.logs, () => exchanged(vm, request, response)),
    };
  } finally {
    await temporary.remove();
  }
}

const REQUEST: Record<string, string> = { ":method": "POST", ":path": "/", ":authority": "gateway.example" };

function exchanged(vm: Vm, request: Message, response: Message): Exchanged {
  const stream = vm.open({ ...REQUEST, ...request.headers }, request.body === undefined);
  const sent =
    stream.reply || request.body === undefined ? [] : stream.sendRequestBody(bytesOf(request.body));
  const headers: HeaderList = Object.entries({ ":status": "200", ...response.headers });
  const answered = stream.reply ? [] : stream.respond(headers, bytesOf(response.body ?? ""));
  const outcome = {
    reply: replyOf(stream),
    request: { headers: Object.fromEntries(stream.requestHeaders), body: Buffer.from(sent) },
    response: { headers: Object.fromEntries(stream.responseHeaders), body: Buffer.from(answered) },
  };
  stream.close();
  return outcome;
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? Buffer.from(body) : body;
}

function replyOf({ reply }: Stream): Exchanged["reply"] {
  if (!reply) return undefined;
  const { status, details, headers, body } = reply;
  return { status, details, headers: Object.fromEntries(headers), body };
}
