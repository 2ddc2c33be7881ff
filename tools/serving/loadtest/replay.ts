import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";

/** What of an access-log line a replay goes by. */
interface LogLine {
  start_time?: string;
  taskid?: string;
  decision?: string;
  reason?: string;
  request_tensor_bytes?: number;
}

/** A request that a gateway let through. */
export interface Arrival {
  /** Milliseconds since the first one. */
  at: number;
  /** Bytes of its tensors; undefined where the log does not say. */
  tensorBytes: number | undefined;
}

/**
 * A task's requests as they came, from the gateway's access log (one JSON object a line): by rising time.
 * Requests that the gateway refused never reached the model, and are left out.
 * @param speed 2 sends them in half the time
 * @throws Error that names the file, and the line that is none
 */
export async function recordedArrivals(file: string, taskid: string, speed: number): Promise<Arrival[]> {
  await access(file).catch(() => {
    throw new Error(`${file}: cannot be read: check --replay`);
  });
  const arrivals: Arrival[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    number++;
    if (line.trim() === "") continue;
    const {
      start_time,
      taskid: of,
      reason = "",
      decision = reason === "" ? "allowed" : "refused",
      request_tensor_bytes: tensorBytes,
    } = parse(line, `${file}:${number}`);
    if (of !== taskid || decision === "refused") continue;
    const time = Date.parse(start_time ?? "");
    if (Number.isNaN(time)) throw new Error(`${file}:${number}: start_time must be a time (RFC 3339)`);
    arrivals.push({ at: time, tensorBytes });
  }
  if (arrivals.length === 0) throw new Error(`${file}: has no request of task ${taskid}`);
  arrivals.sort((a, b) => a.at - b.at);
  const first = arrivals[0]?.at ?? 0;
  return arrivals.map(({ at, tensorBytes }) => ({ at: (at - first) / speed, tensorBytes }));
}

function parse(line: string, place: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as LogLine;
  } catch {}
  throw new Error(`${place}: is not a line of the access log (a JSON object)`);
}
