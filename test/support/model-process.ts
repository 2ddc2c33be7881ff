import { createServer, type Http2Stream, type IncomingHttpHeaders } from "node:http2";

/**
 * A gRPC model server in a process of its own, whose capacity and slowness are known by construction: it has `slots` that each serve a request in
 * `service` milliseconds, and the first `slow` requests take `slowService` milliseconds each. Slots are given out by a clock that timers can't
 * delay, so that its capacity is slots / service exactly. It answers any message with an empty one, and ends at once at SIGTERM, as many do.
 *
 *     node model-process.ts PORT SLOTS SERVICE [SLOW SLOW_SERVICE [START]]
 */
const [port = 0, slots = 1, service = 20, slow = 0, slowService = 0, start = 0] = process.argv
  .slice(2)
  .map(Number);

const EMPTY_MESSAGE = Buffer.alloc(5);
const freeAt = new Float64Array(slots);
let served = 0;

function answer(
  stream: Http2Stream & {
    respond(headers: object, options: object): void;
    sendTrailers(headers: object): void;
  },
): void {
  const now = performance.now();
  let slot = 0;
  for (let i = 1; i < slots; i++) if ((freeAt[i] as number) < (freeAt[slot] as number)) slot = i;
  const time = served++ < slow ? slowService : service;
  const done = Math.max(now, freeAt[slot] as number) + time;
  freeAt[slot] = done;
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(EMPTY_MESSAGE);
  }, done - now);
}

const server = createServer({ settings: { maxConcurrentStreams: 10_000 } });
server.on("stream", (stream, _headers: IncomingHttpHeaders) => {
  stream.on("error", () => {});
  stream.once("end", () => answer(stream as never));
  stream.resume();
});
server.on("sessionError", () => {});
setTimeout(() => {
  server.listen(port, "127.0.0.1", () => {
    const bound = server.address();
    console.log(typeof bound === "object" && bound !== null ? bound.port : bound);
  });
}, start);
process.on("SIGTERM", () => process.exit(0));
