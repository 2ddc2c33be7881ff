import { ByteBuffer } from "../sdk/byte-buffer";
import { StreamState } from "../sdk/stage";
import { InferRequest } from "./infer-request";
import { InferResponse } from "./infer-response";

const free: Conversion[] = [];

/** What one stream's conversion keeps from chunk to chunk. Reused for later streams. */
export class Conversion extends StreamState {
  readonly request: InferRequest = new InferRequest();
  readonly response: InferResponse = new InferResponse();
  /** Bytes of a token that goes on in the next chunk. */
  readonly carry: ByteBuffer = new ByteBuffer();
  /** Bytes of request body so far. */
  received: i64 = 0;
  /** The response is an error text of a proxy and not the model's. */
  upstreamError: bool = false;

  giveBack(): void {
    this.request.release();
    this.response.release();
    free.push(this);
  }
}

export function takeConversion(): Conversion {
  const conversion = free.length > 0 ? free.pop() : new Conversion();
  conversion.carry.clear();
  conversion.received = 0;
  conversion.upstreamError = false;
  return conversion;
}
