import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { CONTENT_LENGTH } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";

const LARGEST: f64 = 1e9;
/** The header does not say a cost. */
export const MALFORMED: f64 = -1;

const value: Slice = new Slice();

/**
 * What a request takes from a bucket: a fixed number of tokens, what a header says (such as a count of model
 * tokens or a batch size), or its body's size.
 */
export class Cost {
  private header: Bytes | null = null;
  /** Of the request body, for each token; 0: not by size. */
  private bytesPerToken: f64 = 0;
  /** Where there is no header, or no content-length. */
  private fallback: f64 = 1;
  private most: f64 = LARGEST;

  /** Does the body decide? Then what the headers do not tell is paid when the request ends. */
  get bySize(): bool {
    return this.bytesPerToken > 0;
  }

  /** What every request costs; below 0 when requests differ. */
  get flat(): f64 {
    return this.header == null && !this.bySize ? this.fallback : -1;
  }

  /** What a request whose length is not known is charged at first. */
  get guess(): f64 {
    return this.fallback;
  }

  /** Tokens for a body of `size` bytes: at least one. */
  ofSize(size: f64): f64 {
    return min(max(Math.ceil(size / this.bytesPerToken), 1), this.most);
  }

  /**
   * Tokens for a request, a whole number.
   * @returns MALFORMED when the header is not one decimal number of at most `most`: a limit that a caller
   *   escapes by sending nonsense is none, so such a request is to be refused
   */
  of(http: HttpContext): f64 {
    const header = this.header;
    if (header == null) {
      if (this.bytesPerToken == 0) return this.fallback;
      if (http.endOfRequest) return this.ofSize(0);
      if (http.headers.find(CONTENT_LENGTH, value) != 1) return this.fallback;
      const size = parseDecimal(value.ptr, value.len);
      return size == MALFORMED ? MALFORMED : this.ofSize(size);
    }
    const count = http.headers.find(header, value);
    if (count == 0) return this.fallback;
    const cost = count > 1 ? MALFORMED : parseDecimal(value.ptr, value.len);
    return cost > this.most ? MALFORMED : cost;
  }

  /** Was the cost of this request by size a guess, because its length is not known yet? */
  guessed(http: HttpContext): bool {
    return this.bySize && !http.endOfRequest && http.headers.find(CONTENT_LENGTH, value) == 0;
  }

  /** Reads `cost` of a limit; absent: each request costs one token. */
  static read(limit: Config): Cost {
    const cost = new Cost();
    const config = limit.object("cost");
    if (config == null) return cost;
    cost.fallback = Math.floor(config.number("fixed", 1, 0));
    cost.most = config.number("max", LARGEST, 1);
    if (config.has("header")) cost.header = bytes(config.headerName("header"));
    if (config.has("bytesPerToken")) cost.bytesPerToken = config.number("bytesPerToken", 1, 1);
    if (cost.header != null && cost.bySize) config.fault("bytesPerToken", "excludes header");
    if (cost.most > LARGEST) config.fault("max", "must be at most 1000000000");
    if (cost.fallback > cost.most) config.fault("fixed", "must be at most max");
    config.finish();
    return cost;
  }
}

/** Digits only, at most 15 of them: every such number is exact. */
function parseDecimal(ptr: usize, len: i32): f64 {
  if (len < 1 || len > 15) return MALFORMED;
  let number: u64 = 0;
  for (let i: i32 = 0; i < len; i++) {
    const digit: u8 = load<u8>(ptr + i) - Char._0;
    if (digit > 9) return MALFORMED;
    number = number * 10 + digit;
  }
  return <f64>number;
}
