import { expect, inject, it } from "vitest";
import { random } from "../support/random.ts";
import { CLIENTS, hold, listModels, type Seen } from "./clients.ts";
import { type Conversation, randomConversation } from "./conversations.ts";
import { SCRIPTED_MODEL, startScriptedServer } from "./scripted-server.ts";
import { steady } from "./seen.ts";

const CONVERSATIONS = 60;

/** The harness itself: what is compared later through a gateway is the same twice without one. */
it.each(CLIENTS)("llama.cpp answers %s twice alike, and with every kind of answer", async (client) => {
  const { port, model } = inject("llama");
  const endpoint = { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "none" };
  const conversations = conversationsFor(client, { model, isReal: true });
  const [first, second] = [
    await hold(client, endpoint, conversations),
    await hold(client, endpoint, conversations),
  ];
  expect(first.map(steady)).toEqual(second.map(steady));
  everyKind(first, conversations);
});

it.each(CLIENTS)(
  "the scripted server answers %s twice alike, and with every kind of answer",
  async (client) => {
    const server = await startScriptedServer();
    try {
      const endpoint = { baseUrl: `http://127.0.0.1:${server.port}/v1`, apiKey: "none" };
      const conversations = conversationsFor(client, { model: SCRIPTED_MODEL, isReal: false });
      const first = await hold(client, endpoint, conversations);
      expect(await hold(client, endpoint, conversations)).toEqual(first);
      everyKind(first, conversations);
      const digests = server.received.map(({ digest }) => digest);
      expect(digests.slice(0, conversations.length)).toEqual(digests.slice(conversations.length));
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

function conversationsFor(client: string, can: { model: string; isReal: boolean }): Conversation[] {
  const numbers = random();
  const drawn = Array.from({ length: CONVERSATIONS * 4 }, () => randomConversation(numbers, can));
  return drawn.filter(({ api }) => client !== "LangChain" || api === "chat").slice(0, CONVERSATIONS);
}

function everyKind(seen: Seen[], conversations: Conversation[]): void {
  expect(conversations.filter((_, index) => seen[index]?.error?.class.includes("Timeout"))).toEqual([]);
  expect(seen.filter(({ reply }) => reply !== undefined).length).toBeGreaterThan(5);
  expect(seen.filter(({ chunks = [] }) => chunks.length > 3).length).toBeGreaterThan(10);
}
