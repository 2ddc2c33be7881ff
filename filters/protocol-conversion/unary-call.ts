import { MODEL_UNREACHABLE, modelFault } from "../model-protocol/common-replies";
import { MALFORMED } from "../model-protocol/model-faults";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { HttpStatus } from "../sdk/host/http-status";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply, sendJson } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ModelCall } from "./model-call";
import { Question } from "./question";

/**
 * Questions without a body. A Wasm filter cannot give a body to a request that has none, so the filter itself
 * calls the model server, and answers the caller.
 */

const pool: StreamPool<UnaryCall> = new StreamPool<UnaryCall>();

/** One question on its way. Reused for later ones. */
class UnaryCall extends ModelCall {
  private question: Question | null = null;
  private slot: i32 = 0;

  /** Asks it. @returns false when that failed at once */
  ask(question: Question, http: HttpContext, slot: i32, timeoutMs: u32): bool {
    this.question = question;
    this.slot = slot;
    return this.call(http, question.rpc, question.appendRequest, timeoutMs);
  }

  protected get isOpenInference(): bool {
    return this.question!.isOpenInference;
  }

  protected answered(refusal: LocalReply | null, from: usize, to: usize): void {
    const question = this.question!;
    const http = this.http!;
    let why = refusal;
    if (why == null) {
      text.clear();
      if (!question.reply.appendJson(text, from, to)) why = modelFault(MALFORMED);
    }
    http.setState(this.slot, null);
    this.release();
    http.enter();
    if (why != null) http.refuse(why);
    else {
      http.replied = true;
      sendJson(answerStatus(question), text.ptr, text.len, http.crossOrigin, http.origin);
    }
  }

  release(): void {
    this.forget();
    this.question = null;
    pool.release(this);
  }
}

const text: ByteBuffer = new ByteBuffer();
/** How an answer of no ends: a member that is false. */
const NO = bytes(":false}");

/** 200; a server or model that says it is not live or ready gets a 4xx, as the protocol wants. */
function answerStatus(question: Question): HttpStatus {
  const no = question.mayBeNo && text.len >= NO.len && NO.equals(text.end - NO.len, NO.len);
  return no ? HttpStatus.BAD_REQUEST : HttpStatus.OK;
}

/**
 * Asks the model server about the names that `parseRoute` found.
 * @returns null when that failed at once: refused
 */
export function startCall(
  http: HttpContext,
  question: Question,
  timeoutMs: u32,
  slot: i32,
): UnaryCall | null {
  const call = pool.take();
  if (call.ask(question, http, slot, timeoutMs)) return call;
  call.release();
  http.refuse(MODEL_UNREACHABLE);
  return null;
}
