import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import { decodeBatch } from "../../../lib/access-log/decode-batch.ts";
import { HttpError, type Request } from "../../http/http.ts";
import type { Spool } from "../input/spool.ts";

/** Largest batch, as it comes and as it is when unpacked. */
const BATCH_BYTES = 16 << 20;
/** Batches that may be in memory at once, in bytes as far as their senders say. */
const IN_MEMORY_BYTES = 64 << 20;
/**
 * Most lines of a batch of protobuf, in which a line may be two bytes and takes far more when it is decoded.
 */
const BATCH_LINES = 1 << 18;
/** Text is gathered in parts of this length. */
const PART_LENGTH = 1 << 16;
const BODY_WITHIN_MS = 30_000;
const PROTOBUF = "application/x-protobuf";

const UNPACK: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  identity: async (body) => body,
  gzip: promisify(gunzip),
  zstd: promisify(zstdDecompress),
};

/** Takes batches of log lines: one JSON object a line, or protobuf (proto/access_log.proto). */
export class Receiver {
  private readonly spool: Spool;
  private inMemory = 0;
  private unpacking: Promise<unknown> = Promise.resolve();

  constructor(spool: Spool) {
    this.spool = spool;
  }

  /**
   * Resolves when the lines of the body are on disk. @returns how many lines
   * @throws HttpError 503 when the store is too far behind, 429 when too many batches come at once, 413, 415,
   * 400
   */
  async receive(request: Request): Promise<number> {
    if (this.spool.isFull)
      throw new HttpError(503, "store_behind", "the store is too far behind; send again later", {
        "retry-after": "5",
      });
    const size = Number(request.headers["content-length"] ?? BATCH_BYTES);
    if (size > BATCH_BYTES) throw tooLarge();
    let held = 0;
    const hold = (bytes: number) => {
      if (this.inMemory + bytes > IN_MEMORY_BYTES)
        throw new HttpError(429, "too_many_batches", "too many batches at once; send again later", {
          "retry-after": "1",
        });
      this.inMemory += bytes;
      held += bytes;
    };
    try {
      hold(size);
      const lines = await this.linesOf(await readAll(request), request.headers);
      hold(Math.max(0, lines.length - size));
      if (lines.length === 0) return 0;
      const ended = lines.at(-1) === 10 ? lines : Buffer.concat([lines, Buffer.from("\n")]);
      await this.spool.append(ended).catch((error: Error) => {
        throw new HttpError(503, "disk_failing", `the batch can't be kept: ${error.message}`, {
          "retry-after": "5",
        });
      });
      return countLines(ended);
    } finally {
      this.inMemory -= held;
    }
  }

  /** One batch after the other: a small one may be large when it is unpacked. */
  private linesOf(body: Buffer, headers: Request["headers"]): Promise<Buffer> {
    const { "content-encoding": encoding = "identity", "content-type": type = "" } = headers;
    const lines = this.unpacking.then(async () => {
      const unpacked = await unpack(body, String(encoding));
      return type.startsWith(PROTOBUF) ? linesOf(unpacked) : unpacked;
    });
    this.unpacking = lines.catch(() => {});
    return lines;
  }
}

function tooLarge(limit = `${BATCH_BYTES} bytes`): HttpError {
  return new HttpError(413, "batch_too_large", `a batch may have ${limit}`, {
    connection: "close",
  });
}

async function readAll(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => request.destroy(), BODY_WITHIN_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BATCH_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(408, "batch_incomplete", "the batch broke off or came too slowly");
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size);
}

async function unpack(body: Buffer, encoding: string): Promise<Buffer> {
  const unpackBody = UNPACK[encoding];
  if (unpackBody === undefined)
    throw new HttpError(415, "unknown_encoding", `content-encoding: must be gzip, zstd or none`);
  try {
    return await unpackBody(body, { maxOutputLength: BATCH_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new HttpError(400, "bad_encoding", `the body is no ${encoding}: ${(error as Error).message}`);
  }
}

/** The lines of a batch of protobuf as JSON, one a line. */
function linesOf(batch: Buffer): Buffer {
  const parts: Buffer[] = [];
  let text = "";
  let size = 0;
  let count = 0;
  const take = () => {
    const part = Buffer.from(text);
    text = "";
    size += part.length;
    if (size > BATCH_BYTES) throw tooLarge();
    parts.push(part);
  };
  try {
    for (const line of decodeBatch(batch)) {
      if (++count > BATCH_LINES) throw tooLarge(`${BATCH_LINES} lines`);
      text += `${JSON.stringify(line)}\n`;
      if (text.length >= PART_LENGTH) take();
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      400,
      "bad_batch",
      `the body is no batch of proto/access_log.proto: ${(error as Error).message}`,
    );
  }
  take();
  return Buffer.concat(parts, size);
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let end = lines.indexOf(10) + 1; end > 0; end = lines.indexOf(10, end) + 1) count++;
  return count;
}
