import type { Blob } from "./image.ts";
import { pause, type RegistryClient, RegistryUnreachable } from "./registry-client.ts";

/** Larger blobs go in pieces of this size, so that a broken connection costs no more than one. */
const CHUNK_BYTES = 4 << 20;
const ATTEMPTS = 6;
const TYPE = "application/octet-stream";

/**
 * Stores a blob unless the registry has it (distribution-spec 1.1, "Pushing blobs"): small ones in one piece,
 * others in chunks. After a broken connection it goes on where the registry says it is, or begins again when
 * the registry has forgotten the upload.
 * @returns how: for people to read
 */
export async function pushBlob(client: RegistryClient, blob: Blob): Promise<string> {
  const upload = new Upload(client, blob.bytes);
  for (let attempt = 1; ; attempt++) {
    if ((await client.send("HEAD", `${client.base}/blobs/${blob.digest}`)).ok)
      return attempt === 1 ? "already there" : "pushed";
    try {
      const resumedAt = await upload.run(blob.digest);
      return resumedAt > 0 ? `pushed, resumed at ${resumedAt}` : "pushed";
    } catch (error) {
      if (!(error instanceof RegistryUnreachable) || attempt === ATTEMPTS) throw error;
      await pause(attempt);
    }
  }
}

/** One upload session of a registry, which outlives broken connections where the registry keeps it. */
class Upload {
  private readonly client: RegistryClient;
  private readonly bytes: Uint8Array;
  /**
   * Where the next request goes; undefined before the first and when the registry has forgotten the session.
   */
  private location: string | undefined;
  private sent = 0;

  constructor(client: RegistryClient, bytes: Uint8Array) {
    this.client = client;
    this.bytes = bytes;
  }

  /**
   * @returns how many bytes an earlier run had sent.
   * @throws RegistryUnreachable when the connection breaks
   */
  async run(digest: string): Promise<number> {
    await this.find();
    const resumedAt = this.sent;
    const whole = this.bytes.length <= CHUNK_BYTES && this.sent === 0;
    if (!whole) while (this.sent < this.bytes.length) await this.sendChunk();
    const url = new URL(this.location as string);
    url.searchParams.set("digest", digest);
    const request = { ...(whole ? { body: this.bytes, type: TYPE } : {}), attempts: 1 };
    const stored = await this.client.send("PUT", url.href, request);
    if (stored.status !== 201) throw await this.failure(`store ${digest}`, stored);
    return resumedAt;
  }

  /** The session of an earlier run as far as the registry knows it, else a new one. */
  private async find(): Promise<void> {
    if (this.location !== undefined) {
      const status = await this.client.send("GET", this.location);
      const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(status.headers.get("range") ?? "")?.[1] ?? 0);
      // 0-0 says nothing or one byte.
      if (status.status === 204 && last > 0) {
        this.sent = last + 1;
        this.follow(status);
        return;
      }
    }
    const started = await this.client.send("POST", `${this.client.base}/blobs/uploads/`);
    if (started.status !== 202 || !started.headers.has("location"))
      throw await this.failure("start an upload", started);
    this.sent = 0;
    this.follow(started);
  }

  private async sendChunk(): Promise<void> {
    const body = this.bytes.subarray(this.sent, this.sent + CHUNK_BYTES);
    const range = `${this.sent}-${this.sent + body.length - 1}`;
    const request = { body, type: TYPE, range, attempts: 1 };
    const response = await this.client.send("PATCH", this.location as string, request);
    if (response.status !== 202) throw await this.failure(`store bytes ${range}`, response);
    this.sent += body.length;
    this.follow(response);
  }

  private follow(response: Response): void {
    const location = response.headers.get("location");
    if (location) this.location = new URL(location, this.client.base).href;
  }

  /** A session that the registry does not take any more is begun anew, as after a broken connection. */
  private async failure(what: string, response: Response): Promise<Error> {
    const { message } = await this.client.failure(what, response);
    const lost = this.sent > 0 && [400, 404, 416].includes(response.status);
    if (lost) this.location = undefined;
    return lost || response.status >= 500 || response.status === 429
      ? new RegistryUnreachable(message)
      : new Error(message);
  }
}
