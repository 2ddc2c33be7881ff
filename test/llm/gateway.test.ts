import { afterAll, beforeAll, beforeEach, expect, inject, it } from "vitest";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { KEY } from "../support/auth.ts";
import { random } from "../support/random.ts";
import { CLIENTS, hold, listModels } from "./clients.ts";
import { type Conversation, conversations } from "./conversations.ts";
import { SCRIPTED_MODEL, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { steady } from "./seen.ts";
import { FORBIDDEN_MODEL, LIMITED_MODEL, startLanguageGateway } from "./stack.ts";

/** Of each client, with each of the two servers. */
const CONVERSATIONS = Number(process.env.LLM_CONVERSATIONS ?? 170);

let scripted: ScriptedServer;
let gateway: LocalGateway;
beforeAll(async () => {
  scripted = await startScriptedServer();
  gateway = await startLanguageGateway(inject("llama"), scripted.port);
});
afterAll(async () => {
  await gateway?.stop();
  await scripted?.stop();
});
beforeEach(() => {
  scripted.received.length = 0;
});

const at = (port: number) => ({ baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: KEY });

it.each(CLIENTS)("%s sees of llama.cpp what it sees without the gateway", async (client) => {
  const { port, model } = inject("llama");
  const asked = conversations(random(), CONVERSATIONS, { client, model, isReal: true });
  const direct = await hold(client, at(port), asked);
  const through = await hold(client, at(gateway.envoy.port), asked);
  compare(asked, direct.map(steady), through.map(steady));
});

it.each(CLIENTS)(
  "%s sees of the scripted server what it sees without the gateway, to the letter",
  async (client) => {
    const asked = conversations(random(), CONVERSATIONS, { client, model: SCRIPTED_MODEL, isReal: false });
    const direct = await hold(client, at(scripted.port), asked);
    const digests = scripted.received.splice(0).map(({ digest }) => digest);
    const through = await hold(client, at(gateway.envoy.port), asked);
    compare(asked, direct, through);
    expect(scripted.received.map(({ digest }) => digest)).toEqual(digests);
    for (const { headers } of scripted.received) expect(headers).not.toHaveProperty("authorization");
  },
);

it("a client is told of the models that its key may call", async () => {
  const models = await listModels(at(gateway.envoy.port));
  expect(models.map(({ id }) => id).toSorted()).toEqual(
    [inject("llama").model, SCRIPTED_MODEL, LIMITED_MODEL].toSorted(),
  );
});

/** What a client raises, by what its caller did wrong. */
const ERRORS = [
  ["a wrong key", { apiKey: "wrong" }, SCRIPTED_MODEL, "AuthenticationError", 401, "invalid_api_key"],
  ["a model that the key may not call", {}, FORBIDDEN_MODEL, "PermissionDeniedError", 403, undefined],
  ["a model that is not there", {}, "no-such-model", "NotFoundError", 404, "model_not_found"],
] as const;

it.each(ERRORS)("the clients raise the right error for %s", async (_what, key, model, name, status, code) => {
  const endpoint = { ...at(gateway.envoy.port), ...key };
  for (const client of CLIENTS)
    for (const { error } of await hold(client, endpoint, [chat(model, false), chat(model, true)])) {
      expect(error, client).toMatchObject({ class: name, status });
      if (client === "LangChain") {
        if (code === "model_not_found") expect(error?.own).toBe("OpenAIModelNotFoundError");
      } else if (code !== undefined) expect(error?.code, client).toBe(code);
    }
  expect(scripted.received).toEqual([]);
});

it("the clients raise RateLimitError over a limit, and are told when to come again", async () => {
  const endpoint = at(gateway.envoy.port);
  for (const client of CLIENTS) {
    const seen = await hold(client, endpoint, [chat(LIMITED_MODEL, false), chat(LIMITED_MODEL, true)]);
    expect(seen[1]?.error, client).toMatchObject({ class: "RateLimitError", status: 429 });
    if (client === "LangChain") continue;
    expect(Number(seen[1]?.error?.retryAfter), client).toBeGreaterThan(0);
    expect(seen[1]?.error?.code, client).toBe("rate_limit_exceeded");
  }
});

function chat(model: string, stream: boolean): Conversation {
  const messages = [{ role: "user", content: "hello" }];
  return { api: "chat", parameters: { model, messages, ...(stream && { stream }) } };
}

/** One after the other: a difference names its conversation. */
function compare(asked: Conversation[], direct: unknown[], through: unknown[]): void {
  expect(through.length).toBe(asked.length);
  for (const [index, conversation] of asked.entries())
    expect(through[index], JSON.stringify(conversation)).toEqual(direct[index]);
}
