import { type Answer, DemoSteps } from "./demo-steps.ts";
import type { LocalGateway } from "./gateway.ts";

const KEY = "demo-assistants-key";
const MODEL = "random-llama";
const TOKENS = 24;
const BURST = 60;

/**
 * Sends the requests that show what the gateway does for callers of a language model, and prints what came
 * back.
 * @returns whether all was as it should be
 */
export async function runLanguageDemo(gateway: LocalGateway): Promise<boolean> {
  const url = `http://127.0.0.1:${gateway.envoy.port}/v1`;
  const ask = (model: string, key = KEY, stream = false) =>
    fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        ...{ model, stream, max_tokens: TOKENS },
        messages: [{ role: "user", content: "Tell me a story" }],
      }),
    });
  const demo = new DemoSteps(gateway);

  await demo.step("The models that this key may call", 200, async () =>
    answerOf(await fetch(`${url}/models`, { headers: { authorization: `Bearer ${KEY}` } })),
  );
  let firstMs = Number.NaN;
  const streamed = await demo.step(
    "\nA chat, streamed: nonsense, as its weights are random",
    200,
    async () => {
      const started = performance.now();
      const response = await ask(MODEL, KEY, true);
      const { text, firstAt } = await readStream(response);
      firstMs = firstAt - started;
      return { status: response.status, text };
    },
  );
  console.log(`  its first token came after ${firstMs.toFixed(1)} ms`);
  await demo.step("\nWith a wrong key", 401, async () => answerOf(await ask(MODEL, "wrong")));
  await demo.step("\nA model that the tenant may not call", 403, async () =>
    answerOf(await ask("chat-large")),
  );
  await demo.step("\nA model that is not there", 404, async () => answerOf(await ask("no-such-model")));
  await demo.burst(`\n${BURST} chats at once, above the limit of the task; the last refusal`, BURST, () =>
    ask(MODEL),
  );
  await demo.log();
  return demo.passed && streamed.text !== "";
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, text: await response.text() };
}

/** The text of a stream of chat completion chunks, and when the first of it came, by performance.now(). */
async function readStream({ body }: Response): Promise<{ text: string; firstAt: number }> {
  let firstAt = Number.NaN;
  let text = "";
  let rest = "";
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const content = contentOf(line);
      if (content === "") continue;
      text += content;
      if (Number.isNaN(firstAt)) firstAt = performance.now();
    }
  }
  return { text, firstAt };
}

function contentOf(line: string): string {
  if (!line.startsWith("data: {")) return "";
  const { choices } = JSON.parse(line.slice("data: ".length)) as {
    choices?: { delta?: { content?: string | null } }[];
  };
  return choices?.[0]?.delta?.content ?? "";
}
