import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";

/** What of an access-log line a replay goes by. */
interface LogLine {
  start_time?: string;
  taskid?: string;
  decision?: string;
}

/**
 * When a task's requests came, from the gateway's access log (one JSON object a line): milliseconds since the first, rising. Requests that the
 * gateway refused never reached the model, and are left out.
 * @param speed 2 sends them in half the time
 * @throws Error that names the file, and the line that is none
 */
export async function recordedArrivals(file: string, taskid: string, speed: number): Promise<number[]> {
  await access(file).catch(() => {
    throw new Error(`${file}: cannot be read: check --replay`);
  });
  const times: number[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    number++;
    if (line.trim() === "") continue;
    const { start_time, taskid: of, decision = "allowed" } = parse(line, `${file}:${number}`);
    if (of !== taskid || decision === "refused") continue;
    const time = Date.parse(start_time ?? "");
    if (Number.isNaN(time)) throw new Error(`${file}:${number}: start_time must be a time (RFC 3339)`);
    times.push(time);
  }
  if (times.length === 0) throw new Error(`${file}: has no request of task ${taskid}`);
  times.sort((a, b) => a - b);
  return times.map((time) => (time - (times[0] as number)) / speed);
}

function parse(line: string, place: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as LogLine;
  } catch {}
  throw new Error(`${place}: is not a line of the access log (a JSON object)`);
}
