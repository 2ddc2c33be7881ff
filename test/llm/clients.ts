import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Conversation } from "./conversations.ts";

/** The clients of the lane, unchanged, each in a process of its own. */
export const CLIENTS = ["openai for Python", "openai for Node", "LangChain"] as const;
type Client = (typeof CLIENTS)[number];

const CLIENT_TIMEOUT_MS = 300_000;

/** Where a client asks, and how it says who it is. */
export interface Endpoint {
  baseUrl: string;
  apiKey: string;
  headers?: Record<string, string>;
}

/** What a client's code saw of one conversation. */
export interface Seen {
  reply?: unknown;
  chunks?: unknown[];
  error?: { class: string; own?: string; status?: number; code?: string; type?: string; retryAfter?: string };
}

/**
 * Lets a client hold conversations, one after the other.
 * @throws Error when its process fails
 */
export async function hold(
  client: Client,
  endpoint: Endpoint,
  conversations: Conversation[],
): Promise<Seen[]> {
  return (await run(client, { ...endpoint, conversations })) as Seen[];
}

/** The models that a client is told of, as OpenAI's client for Python has them. */
export async function listModels(endpoint: Endpoint): Promise<{ id: string }[]> {
  const { models } = (await run("openai for Python", { ...endpoint, listsModels: true })) as {
    models: { id: string }[];
  };
  return models;
}

async function run(client: Client, asked: object): Promise<unknown> {
  const [program = "", script = ""] = commandOf(client);
  const child = spawn(program, [script], {
    stdio: ["pipe", "pipe", "inherit"],
    timeout: CLIENT_TIMEOUT_MS,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, PYTHONDONTWRITEBYTECODE: "1" },
      ...{ OPENAI_MODULE: environment("LLM_NODE_CLIENT"), LANGSMITH_TRACING: "false" },
    },
  });
  const ended = once(child, "close");
  child.stdin.end(JSON.stringify({ headers: {}, ...asked }));
  const printed = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`${client} ended with code ${code}`);
  return JSON.parse(printed);
}

function commandOf(client: Client): [string, string] {
  if (client === "openai for Node") return [process.execPath, script("node-client.mjs")];
  const python = `${environment("LLM_PYTHON")}/bin/python`;
  return [python, script(client === "LangChain" ? "langchain_client.py" : "openai_client.py")];
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** What run.ts installed. */
function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`$${name} is not set: use npm run test:llm`);
  return value;
}
