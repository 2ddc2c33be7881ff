import { connect } from "node:http2";
import { createConnection } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Handle, type Listener, listen } from "../../../tools/servers/http/listener.ts";
import { pace } from "../../support/pace.ts";

let listener: Listener;

afterEach(() => listener.close());

const handle: Handle = (request, response) => {
  request.resume();
  response.statusCode = 204;
  response.end();
};

async function start(timeouts: { headers: number; idle: number }): Promise<number> {
  listener = await listen({ host: "127.0.0.1", port: 0 }, handle, undefined, timeouts);
  return listener.port;
}

test("an HTTP/2 connection in use stays open, one without use doesn't", async () => {
  const port = await start({ headers: 1000, idle: 400 });
  const session = connect(`http://127.0.0.1:${port}`);
  for (let i = 0; i < 10; i++) {
    const stream = session.request({ ":path": "/" });
    stream.resume();
    await new Promise((resolve, reject) => stream.on("close", resolve).on("error", reject));
    await pace(100);
  }
  expect(session.closed || session.destroyed).toBe(false);
  await new Promise((resolve) => session.on("close", resolve));
});

test("an HTTP/1.1 request whose headers drip in is ended", async () => {
  const port = await start({ headers: 400, idle: 60_000 });
  const socket = createConnection(port, "127.0.0.1").on("error", () => {});
  socket.write("POST /v1/report HTTP/1.1\r\nhost: x\r\n");
  socket.resume();
  const drip = setInterval(() => socket.write("x-a: b\r\n"), 50);
  await new Promise((resolve) => socket.on("close", resolve));
  clearInterval(drip);
});
