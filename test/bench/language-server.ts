import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pace } from "../support/pace.ts";

/** Header that says how many chunks a stream is to have. */
export const CHUNKS_HEADER = "x-chunks";

const CHUNK = `data: ${JSON.stringify({
  ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "llm" },
  choices: [{ index: 0, delta: { content: " token" }, finish_reason: null }],
})}\n\n`;
const CHUNK_EVERY_MS = 1;

interface StreamingServer {
  port: number;
  stop(): Promise<void>;
}

/** A model server that sends its first token as soon as it has the prompt, and then one each millisecond. */
export async function startStreamingServer(): Promise<StreamingServer> {
  const server = createServer(async (request, response) => {
    response.socket?.setNoDelay(true);
    for await (const _ of request);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(CHUNK);
    for (let left = Number(request.headers[CHUNKS_HEADER]) - 1; left > 0; left--) {
      await pace(CHUNK_EVERY_MS);
      response.write(CHUNK);
    }
    response.end("data: [DONE]\n\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
