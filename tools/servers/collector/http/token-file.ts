import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";

/** RFC 6750, section 2.1. */
const FORM = /^[A-Za-z0-9._~+/-]{1,8000}=*$/;

interface Entry {
  digest: Buffer;
  /** What stands behind the token. */
  words: string[];
}

/**
 * The bearer tokens of a file, one a line with words behind it; empty lines and lines that begin with # say
 * nothing. They are kept and compared as digests, so that the time of a comparison tells nothing of them.
 */
export class TokenFile {
  private readonly file: string;
  private readonly mayHaveWords: boolean;
  private entries: Entry[] = [];

  private constructor(file: string, mayHaveWords: boolean) {
    this.file = file;
    this.mayHaveWords = mayHaveWords;
  }

  /** @throws Error that names the file when it can't be read, holds no token, or a line that is none */
  static async open(file: string, { words }: { words: boolean }): Promise<TokenFile> {
    const tokens = new TokenFile(file, words);
    await tokens.renew();
    return tokens;
  }

  /**
   * Reads the file again.
   * @returns whether it says something new;
   * @throws Error as `open` does: the tokens of before stay
   */
  async renew(): Promise<boolean> {
    const entries = this.parse(await readFile(this.file, "utf8"));
    const text = (list: Entry[]) =>
      list.map(({ digest, words }) => [digest.toString("hex"), ...words].join(" "));
    const same = text(entries).join("\n") === text(this.entries).join("\n");
    this.entries = entries;
    return !same;
  }

  /** What stands behind a token; undefined when the file does not have it. */
  find(token: string): string[] | undefined {
    const digest = digestOf(token);
    let found: string[] | undefined;
    for (const entry of this.entries) if (timingSafeEqual(entry.digest, digest)) found = entry.words;
    return found;
  }

  private parse(text: string): Entry[] {
    const entries = text.split("\n").flatMap((line, index) => {
      const [token = "", ...words] = line.trim().split(/\s+/);
      if (token === "" || token.startsWith("#")) return [];
      // The line itself may be a token with a slip in it.
      if (!FORM.test(token) || (words.length > 0 && !this.mayHaveWords))
        throw new Error(`${this.file}:${index + 1}: is no token: letters, digits and -._~+/= make one`);
      return { digest: digestOf(token), words };
    });
    if (entries.length === 0) throw new Error(`${this.file}: holds no token`);
    return entries;
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
