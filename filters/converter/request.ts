import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes, toText } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Json, parseBody } from "./json";

/** A caller's request. It is valid within `before` and no longer. */
export class Request {
  constructor(
    private readonly http: HttpContext,
    private readonly content: ByteBuffer,
  ) {}

  get method(): string {
    return toText(this.http.method.ptr, this.http.method.len);
  }

  /** Path and query. */
  get path(): string {
    return toText(this.http.path.ptr, this.http.path.len);
  }

  /** Value of the first header of this lower-case name; null without one. */
  header(name: string): string | null {
    const found = this.http.headers.find(bytes(name), value);
    return found == 0 ? null : toText(value.ptr, value.len);
  }

  /**
   * The body as JSON. A body that is none, and each value that is not what it is read as, answers with 400.
   */
  json(): Json {
    return parseBody(this.content);
  }

  /** The body as UTF-8 text. */
  text(): string {
    return toText(this.content.ptr, this.content.len);
  }

  /** A copy of the body. */
  bytes(): Uint8Array {
    const copy = new Uint8Array(this.content.len);
    memory.copy(copy.dataStart, this.content.ptr, this.content.len);
    return copy;
  }
}

const value: Slice = new Slice();
