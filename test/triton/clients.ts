import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The Python clients of the lane, unchanged, each in a process of its own. */
const SCRIPTS = ["triton_clients.py", "kserve_client.py"];
export const CLIENTS = [
  "tritonclient.http",
  "tritonclient.http.aio",
  "tritonclient.grpc",
  "tritonclient.grpc.aio",
  "kserve",
];

const CLIENT_TIMEOUT_MS = 60_000;

/** Is a row of the table about what a client got? */
export function isClientCase(name: string): boolean {
  return CLIENTS.some((client) => name === client);
}

/** Of each client, what it got for each thing that it asked. */
export type Answers = Record<string, Record<string, unknown>>;

/**
 * Lets all clients ask a server.
 * @param headers what they send with each request
 * @throws Error with what a script wrote to stderr
 */
export async function ask(python: string, http: string, grpc: string, headers: object): Promise<Answers> {
  const answers: Answers = {};
  for (const script of SCRIPTS) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const { stdout } = await promisify(execFile)(python, [path, http, grpc, JSON.stringify(headers)], {
      timeout: CLIENT_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    Object.assign(answers, JSON.parse(stdout));
  }
  return answers;
}
