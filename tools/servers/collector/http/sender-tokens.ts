import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { bearerToken } from "../../http/bearer-token.ts";
import { HttpError } from "../../http/http.ts";

/** RFC 6750, section 2.1. */
const FORM = /^[A-Za-z0-9._~+/-]{1,8000}=*$/;

/**
 * The bearer tokens (RFC 6750) that senders of batches must have: one a line in a file, where empty lines and
 * lines that begin with # say nothing. They are kept and compared as digests, so that the time of a
 * comparison tells nothing of them.
 */
export class SenderTokens {
  private readonly file: string;
  private digests: Buffer[];

  private constructor(file: string, digests: Buffer[]) {
    this.file = file;
    this.digests = digests;
  }

  /** @throws Error that names the file when it can't be read, holds no token, or a line that is none */
  static async open(file: string): Promise<SenderTokens> {
    return new SenderTokens(file, await readDigests(file));
  }

  /**
   * Reads the file again.
   * @returns whether it says something new;
   * @throws Error as `open` does: the tokens of before stay
   */
  async renew(): Promise<boolean> {
    const digests = await readDigests(this.file);
    const same = Buffer.concat(digests).equals(Buffer.concat(this.digests));
    this.digests = digests;
    return !same;
  }

  /** @throws HttpError 401 for a request without one of the tokens */
  check(headers: IncomingHttpHeaders): void {
    const token = bearerToken(headers);
    if (token === undefined)
      throw refusal("credential_missing", "a batch needs a sender's token: authorization: Bearer <token>");
    const digest = digestOf(token);
    let isKnown = false;
    for (const each of this.digests) isKnown = timingSafeEqual(each, digest) || isKnown;
    if (!isKnown) throw refusal("credential_unknown", "the sender's token is not known here");
  }
}

function refusal(reason: string, message: string): HttpError {
  return new HttpError(401, reason, message, { "www-authenticate": 'Bearer realm="modelgate collector"' });
}

async function readDigests(file: string): Promise<Buffer[]> {
  const lines = (await readFile(file, "utf8")).split("\n").map((line) => line.trim());
  const digests = lines.flatMap((line, index) => {
    if (line === "" || line.startsWith("#")) return [];
    // The line itself may be a token with a slip in it.
    if (!FORM.test(line))
      throw new Error(`${file}:${index + 1}: is no token: letters, digits and -._~+/= make one`);
    return digestOf(line);
  });
  if (digests.length === 0) throw new Error(`${file}: holds no token`);
  return digests;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
