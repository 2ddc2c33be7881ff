import type { IncomingHttpHeaders } from "node:http";
import { bearerToken } from "../../http/bearer-token.ts";
import { HttpError } from "../../http/http.ts";
import { TokenFile } from "./token-file.ts";

/** The bearer tokens (RFC 6750) that senders of batches must have. */
export class SenderTokens {
  private readonly file: TokenFile;

  private constructor(file: TokenFile) {
    this.file = file;
  }

  /** @throws Error that names the file when it can't be read, holds no token, or a line that is none */
  static async open(file: string): Promise<SenderTokens> {
    return new SenderTokens(await TokenFile.open(file, { words: false }));
  }

  /** See `TokenFile`. */
  renew(): Promise<boolean> {
    return this.file.renew();
  }

  /** @throws HttpError 401 for a request without one of the tokens */
  check(headers: IncomingHttpHeaders): void {
    const token = bearerToken(headers);
    if (token === undefined)
      throw refusal("credential_missing", "a batch needs a sender's token: authorization: Bearer <token>");
    if (this.file.find(token) === undefined)
      throw refusal("credential_unknown", "the sender's token is not known here");
  }
}

function refusal(reason: string, message: string): HttpError {
  return new HttpError(401, reason, message, { "www-authenticate": 'Bearer realm="modelgate collector"' });
}
