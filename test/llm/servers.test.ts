import { expect, inject, it } from "vitest";
import { random } from "../support/random.ts";
import { CLIENTS, hold, listModels, type Seen } from "./clients.ts";
import { type Conversation, conversations } from "./conversations.ts";
import { SCRIPTED_MODEL, startScriptedServer } from "./scripted-server.ts";
import { steady } from "./seen.ts";

const CONVERSATIONS = 60;

/** The harness itself: what is compared later through a gateway is the same twice without one. */
it.each(CLIENTS)("llama.cpp answers %s twice alike, and with every kind of answer", async (client) => {
  const { port, model } = inject("llama");
  const endpoint = { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "none" };
  const asked = conversations(random(), CONVERSATIONS, { client, model, isReal: true });
  const [first, second] = [await hold(client, endpoint, asked), await hold(client, endpoint, asked)];
  expect(first.map(steady)).toEqual(second.map(steady));
  everyKind(first, asked);
});

it.each(CLIENTS)(
  "the scripted server answers %s twice alike, and with every kind of answer",
  async (client) => {
    const server = await startScriptedServer();
    try {
      const endpoint = { baseUrl: `http://127.0.0.1:${server.port}/v1`, apiKey: "none" };
      const asked = conversations(random(), CONVERSATIONS, { client, model: SCRIPTED_MODEL, isReal: false });
      const first = await hold(client, endpoint, asked);
      expect(await hold(client, endpoint, asked)).toEqual(first);
      everyKind(first, asked);
      const digests = server.received.map(({ digest }) => digest);
      expect(digests.slice(0, asked.length)).toEqual(digests.slice(asked.length));
    } finally {
      await server.stop();
    }
  },
);

it("llama.cpp lists its model", async () => {
  const { port, model } = inject("llama");
  const models = await listModels({ baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "none" });
  expect(models.map(({ id }) => id)).toEqual([model]);
});

function everyKind(seen: Seen[], asked: Conversation[]): void {
  expect(asked.filter((_, index) => seen[index]?.error?.class.includes("Timeout"))).toEqual([]);
  expect(seen.filter(({ reply }) => reply !== undefined).length).toBeGreaterThan(5);
  expect(seen.filter(({ chunks = [] }) => chunks.length > 3).length).toBeGreaterThan(10);
}
