import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { as } from "./scheduling.ts";
import { keyOf, SHARED_TASK } from "./stack.ts";

/** Who must not notice the attacker. */
export const NEIGHBOURS = {
  "another tenant's task": { credential: "maps", taskid: "maps" },
  "another task of the same tenant": { credential: "beside", taskid: "beside" },
  "another credential on the same task": { credential: "colleague", taskid: SHARED_TASK },
} as const;
export type Neighbour = keyof typeof NEIGHBOURS;

const CONNECTIONS = 4;
/** Of each neighbour: well within its limits. */
export const REQUESTS_PER_SECOND = 180;
export const INFER = "/v2/models/linear/infer";
export const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});

/** What a neighbour saw in a window. */
export interface Seen {
  /** Microseconds until the end of each answer. */
  latencies: number[];
  /** Requests that had no answer of 200. */
  failed: number;
}

/** Sends the requests of all neighbours at their pace, over HTTP/1.1, for so many seconds. */
export async function call(port: number, folder: string, seconds: number): Promise<Record<Neighbour, Seen>> {
  const body = join(folder, "body.json");
  await writeFile(body, BODY);
  const seen = await Promise.all(
    Object.entries(NEIGHBOURS).map(async ([name, { credential, taskid }], index) => {
      const log = join(folder, `calls-${index}`);
      const requests = REQUESTS_PER_SECOND * seconds;
      const [command = "", ...args] = [
        ...as("caller"),
        ...["h2load", "--h1", "-t", "1", "-c", String(CONNECTIONS), "-n", String(requests)],
        ...["--rps", String(REQUESTS_PER_SECOND / CONNECTIONS), `--log-file=${log}`, "-d", body],
        ...["-H", `x-api-key: ${keyOf(credential)}`, "-H", `taskid: ${taskid}`],
        `http://127.0.0.1:${port}${INFER}`,
      ];
      await writeFile(log, "");
      await promisify(execFile)(command, args);
      const lines = (await readFile(log, "utf8"))
        .trim()
        .split("\n")
        .map((line) => line.split("\t").map(Number));
      const answered = lines.filter(([, status]) => status === 200);
      return [
        name,
        { latencies: answered.map(([, , micros]) => micros), failed: requests - answered.length },
      ];
    }),
  );
  return Object.fromEntries(seen);
}
