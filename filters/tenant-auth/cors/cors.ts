import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { NameTable } from "../../sdk/bytes/name-table";
import { Slice } from "../../sdk/bytes/slice";
import { HeaderPairs } from "../../sdk/host/headers";
import { HttpStatus } from "../../sdk/host/http-status";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { sendEmpty } from "../../sdk/pipeline/local-reply";
import { ORIGIN_FORBIDDEN } from "../replies";
import { CorsPolicy } from "./cors-policy";

const ORIGIN = bytes("origin");
const OPTIONS = bytes("OPTIONS");
const REQUEST_METHOD = bytes("access-control-request-method");
const REQUEST_HEADERS = bytes("access-control-request-headers");
const ALLOW_METHODS = bytes("access-control-allow-methods");
const ALLOW_HEADERS = bytes("access-control-allow-headers");
const MAX_AGE = bytes("access-control-max-age");
const COMMA = bytes(", ");
/** Envoy's response code details of a preflight. */
const PREFLIGHT = bytes("cors_preflight");

const value: Slice = new Slice();
const methods: ByteBuffer = new ByteBuffer();
const headers: ByteBuffer = new ByteBuffer();
const maxAge: ByteBuffer = new ByteBuffer();
const pairs: HeaderPairs = new HeaderPairs();

/** Cross-origin resource sharing (Fetch Standard, section 3.3): which pages of other origins may call. */
export class Cors {
  private readonly tasks: NameTable<CorsPolicy> = new NameTable<CorsPolicy>();

  constructor(
    /** Of tasks without a policy of their own; null: no page may call them. */
    private readonly ofAll: CorsPolicy | null,
  ) {}

  /** @returns false when the task has a policy already */
  add(taskid: Bytes, policy: CorsPolicy): bool {
    return this.tasks.add(taskid, policy);
  }

  /**
   * Answers a preflight, which browsers send without credentials; notes of another request what its response
   * is to say.
   * @returns whether the request is answered
   */
  onRequest(http: HttpContext): bool {
    if (http.headers.find(ORIGIN, http.origin) != 1) return false;
    if (OPTIONS.equals(http.method.ptr, http.method.len) && http.headers.find(REQUEST_METHOD, value) > 0) {
      this.answer(http);
      return true;
    }
    const own = this.tasks.find(http.taskid.ptr, http.taskid.len);
    const policy = own == null ? this.ofAll : own;
    if (policy != null && policy.allows(http.origin)) http.crossOrigin = policy;
    return false;
  }

  /**
   * A preflight does not say its task: that is a header of the request to come. So it is told what any task
   * allows its origin.
   */
  private answer(http: HttpContext): void {
    methods.clear();
    headers.clear();
    let seconds = u32.MAX_VALUE;
    let allowing: CorsPolicy | null = null;
    const tasks = this.tasks.values;
    for (let i = -1; i < tasks.length; i++) {
      const policy = i < 0 ? this.ofAll : tasks[i];
      if (policy == null || !policy.allows(http.origin)) continue;
      if (allowing == null || policy.credentials) allowing = policy;
      seconds = min(seconds, policy.maxAgeSeconds);
      append(methods, policy.methods.ptr, policy.methods.len);
      const listed = policy.headers;
      if (listed != null) append(headers, listed.ptr, listed.len);
      else if (http.headers.find(REQUEST_HEADERS, value) > 0) append(headers, value.ptr, value.len);
    }
    if (allowing == null) {
      http.refuse(ORIGIN_FORBIDDEN);
      return;
    }
    pairs.clear();
    allowing.addTo(pairs, http.origin);
    pairs.add(ALLOW_METHODS, methods.ptr, methods.len);
    if (headers.len > 0) pairs.add(ALLOW_HEADERS, headers.ptr, headers.len);
    maxAge.clear();
    maxAge.appendDecimal(seconds);
    pairs.add(MAX_AGE, maxAge.ptr, maxAge.len);
    http.replied = true;
    sendEmpty(HttpStatus.NO_CONTENT, PREFLIGHT, pairs);
  }
}

function append(list: ByteBuffer, ptr: usize, len: i32): void {
  if (list.len > 0) list.appendBytes(COMMA);
  list.append(ptr, len);
}
