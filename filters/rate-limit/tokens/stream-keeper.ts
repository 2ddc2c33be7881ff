import { EventKeeper } from "../../model-protocol/event-gate";
import { appendWithoutNull, bringsToken, isUsageAlone } from "../../model-protocol/event-members";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { appendLastEvent } from "./last-event";
import { Spending } from "./spending";
import { TokenCall } from "./token-call";

const plain: ByteBuffer = new ByteBuffer();

/**
 * Looks at each event of a stream: counts its tokens, ends the stream where a hard limit has no more, and
 * takes out what the caller did not ask for: the event that tells the usage and has no choices, and
 * `"usage":null` of the others. All other bytes are as they came.
 */
export class StreamKeeper extends EventKeeper {
  private http: HttpContext | null = null;
  private call: TokenCall | null = null;

  constructor(private readonly spending: Spending) {
    super();
  }

  /** The next events are those of this call. */
  turnTo(http: HttpContext, call: TokenCall): void {
    this.http = http;
    this.call = call;
  }

  keep(event: ByteBuffer, out: ByteBuffer): bool {
    const call = this.call!;
    const hides = call.facts.asksUsage;
    if (hides && isUsageAlone(event)) return true;
    const isPiece = bringsToken(event);
    if (isPiece) call.pieces++;
    const refusal = isPiece ? this.spending.more(this.http!, call) : null;
    if (refusal == null) {
      if (hides) appendWithoutNull(event, out);
      else out.append(event.ptr, event.len);
      return true;
    }
    call.pieces--;
    plain.clear();
    if (hides) appendWithoutNull(event, plain);
    else plain.append(event.ptr, event.len);
    this.http!.noteFailure(refusal);
    appendLastEvent(out, plain, call.facts.answers, this.spending.lastEvent, refusal);
    return false;
  }
}
