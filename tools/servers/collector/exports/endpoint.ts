import { readFile } from "node:fs/promises";

/** A server that takes lines by HTTP. */
export interface Endpoint {
  url: string;
  /** Headers of each request, such as authorization. */
  headers: Record<string, string>;
}

const TIMEOUT_MS = 30_000;

/**
 * Reads headers from a file with one "name: value" a line, so that secrets stand in no command line.
 * @throws Error
 */
export async function readHeaders(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {};
  const headers: Record<string, string> = {};
  for (const line of (await readFile(path, "utf8")).split("\n").filter((each) => each.trim() !== "")) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`${path}: must have "name: value" in each line`);
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/**
 * @param signal ends the request before its time
 * @throws Error when the server does not answer with 2xx, with what it says
 */
export async function post(
  { url, headers }: Endpoint,
  body: Uint8Array | string,
  contentType: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": contentType },
    body: body as BodyInit,
    signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
  });
  const answer = Buffer.from(await response.arrayBuffer());
  if (response.ok) return answer;
  throw new HttpStatusError(url, response.status, answer.toString("utf8").slice(0, 300));
}

export class HttpStatusError extends Error {
  readonly status: number;

  constructor(url: string, status: number, answer: string) {
    super(`${new URL(url).host} answers ${status}: ${answer}`);
    this.status = status;
  }
}
