import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { pace } from "../support/pace.ts";
import { BODY, INFER } from "./callers.ts";
import { ATTACKERS_RATE, keyOf, SHARED_TASK } from "./stack.ts";

interface Attack {
  port: number;
  signal: AbortSignal;
  /** Notes what was done. */
  count(what: string, by?: number): void;
}

/** Each runs until its signal, over connections that end with the process. */
export const ATTACKS = {
  "unfinished streams over 60 connections": unfinished,
  "300 slow headers and bodies": slow,
  "rapid resets over 8 connections": resets,
  "uploads of 1 GB, 4 of JSON and 4 of gRPC": uploads,
  "a flood of 20 times its limit": flood,
} as const;
export type AttackName = keyof typeof ATTACKS;

const SECRET = { "x-api-key": keyOf("attacker"), taskid: SHARED_TASK };
const GIGABYTE = 2 ** 30;
const RESETS_PER_SECOND = 2000;
/** Of all uploads together: a link of one gigabit. */
const BYTES_PER_SECOND = 120e6;

function session(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`).on("error", () => {});
}

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** POSTs that send half a body, then a space a second; what is refused comes again three seconds later. */
async function unfinished({ port, signal, count }: Attack): Promise<void> {
  const open = (on: ClientHttp2Session) => {
    if (signal.aborted || on.destroyed) return;
    count("streams");
    const stream = on.request({ ":method": "POST", ":path": INFER, ...SECRET });
    const beat = setInterval(() => stream.closed || stream.write(" "), 1000);
    stream.on("response", ({ ":status": status }) => count(`answers ${status}`));
    stream.on("error", () => {}).resume();
    stream.on("close", () => {
      clearInterval(beat);
      setTimeout(() => open(on), 3000);
    });
    stream.write(BODY.slice(0, BODY.length / 2));
  };
  for (let i = 0; i < 60; i++) {
    const on = session(port);
    for (let j = 0; j < 100; j++) open(on);
    if (!signal.aborted) await pace(40);
  }
  await until(signal);
}

/** Connections that send a byte a second: half of them of their headers, half of them of a body. */
async function slow({ port, signal, count }: Attack): Promise<void> {
  const head = `POST ${INFER} HTTP/1.1\r\nhost: h\r\n${Object.entries(SECRET)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}`;
  const open = (body: boolean) => {
    if (signal.aborted) return;
    count("connections");
    const socket = connectTcp(port, "127.0.0.1");
    const text = body ? "\r\n1\r\n \r\n" : "x";
    socket.write(body ? `${head}transfer-encoding: chunked\r\n\r\n1\r\n{` : `${head}x-slow: `);
    const beat = setInterval(() => socket.write(text), 1000);
    socket.on("data", (data) => count(`answers ${data.toString("latin1").slice(9, 12)}`));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(beat);
      setTimeout(() => open(body), 1000);
    });
  };
  for (let i = 0; i < 300; i++) {
    open(i % 2 === 0);
    await pace(3);
  }
  await until(signal);
}

/** Whole requests that are reset at once, by 5 on each connection. */
async function resets({ port, signal, count }: Attack): Promise<void> {
  const connection = async () => {
    while (!signal.aborted) {
      const on = session(port);
      count("connections");
      while (!signal.aborted && !on.destroyed && !on.closed) {
        for (let i = 0; i < 5 && !on.destroyed && !on.closed; i++) {
          const stream = on.request({ ":method": "POST", ":path": INFER, ...SECRET });
          stream.on("error", () => {});
          stream.end(BODY);
          stream.close(constants.NGHTTP2_CANCEL);
          count("resets");
        }
        await pace((1000 * 8 * 5) / RESETS_PER_SECOND);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, connection));
}

/** Bodies of 1 GB, and the next one when one is refused. */
async function uploads({ port, signal, count }: Attack): Promise<void> {
  const numbers = Buffer.from("0.123456,".repeat(7000));
  const begin = Buffer.from(BODY.slice(0, BODY.indexOf("[1,2") + 1));
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(GIGABYTE, 1);
  const json = { headers: { ":path": INFER }, first: begin, rest: numbers };
  const grpc = {
    headers: {
      ":path": "/inference.GRPCInferenceService/ModelInfer",
      "content-type": "application/grpc",
      te: "trailers",
    },
    first: frame,
    rest: Buffer.alloc(64_000),
  };
  const link = new Pace(BYTES_PER_SECOND);
  const client = async (upload: Upload) => {
    while (!signal.aborted) {
      const on = session(port);
      await send(on, upload, link, { port, signal, count });
      on.destroy();
    }
  };
  await Promise.all([json, grpc].flatMap((upload) => Array.from({ length: 4 }, () => client(upload))));
}

interface Upload {
  headers: Record<string, string>;
  first: Buffer;
  rest: Buffer;
}

/** Lets so many bytes a second through. */
class Pace {
  private readonly start = performance.now();
  private sent = 0;
  private readonly bytesPerSecond: number;

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  async wait(bytes: number): Promise<void> {
    this.sent += bytes;
    await pace(Math.max(0, this.start + (this.sent / this.bytesPerSecond) * 1000 - performance.now()));
  }
}

async function send(
  on: ClientHttp2Session,
  upload: Upload,
  link: Pace,
  { signal, count }: Attack,
): Promise<void> {
  const stream = on.request({ ":method": "POST", ...SECRET, ...upload.headers });
  let over = false;
  stream.on("response", (headers) => {
    count(`answers ${headers[":status"]}`);
    over = true;
  });
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.on("error", () => {}).resume();
  stream.write(upload.first);
  for (
    let sent = 0;
    sent < GIGABYTE && !over && !stream.closed && !signal.aborted;
    sent += upload.rest.length
  ) {
    const taken = new Promise((resolve) => stream.write(upload.rest, resolve));
    await Promise.race([taken, closed, pace(1000)]);
    count("MB", upload.rest.length / 1e6);
    await link.wait(upload.rest.length);
  }
}

/** By h2load, which keeps its pace, one request at a time on a connection: one that was held up must not come in bursts. */
async function flood({ port, signal, count }: Attack): Promise<void> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-flood-"));
  const body = join(folder.path, "body.json");
  const log = join(folder.path, "log");
  await writeFile(body, BODY);
  const connections = 40;
  const rate = (20 * ATTACKERS_RATE) / connections;
  const headers = Object.entries(SECRET).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t", "1", "-c", `${connections}`, "--rps", `${rate}`, "-D", "3600"];
  const program = spawn("h2load", [
    ...args,
    ...headers,
    "-d",
    body,
    `--log-file=${log}`,
    `http://127.0.0.1:${port}${INFER}`,
  ]);
  await until(signal);
  program.kill();
  await once(program, "close");
  for (const line of (await readFile(log, "utf8")).trim().split("\n"))
    count(`answers ${line.split("\t")[1]}`);
  await folder.remove();
}
