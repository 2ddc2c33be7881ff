import { ByteBuffer } from "../sdk/byte-buffer";
import { StreamState } from "../sdk/stage";

/** What one stream keeps between callbacks: the bytes of a body that is not whole yet. Reused for later streams. */
export class Exchange extends StreamState {
  readonly body: ByteBuffer = new ByteBuffer();
  /** Bytes that wait in the host's buffer: it lets a body be changed at its trailers only if some of it is there. */
  heldBytes: i32 = 0;
  /** Was the model asked with a PredictRequest? */
  predict: bool = false;
  /** The response is an error text of a proxy and not the model's. */
  upstreamError: bool = false;

  /** Forgets the body, and gives its memory back. */
  forgetBody(): void {
    buffered -= this.body.len;
    this.body.free();
    this.heldBytes = 0;
  }

  giveBack(): void {
    this.forgetBody();
    free.push(this);
  }
}

/** Bytes of all bodies in this VM that wait for their end. */
export let buffered: i64 = 0;

export function countBuffered(bytes: i32): void {
  buffered += bytes;
}

const free: Exchange[] = [];

export function takeExchange(): Exchange {
  const exchange = free.length > 0 ? free.pop() : new Exchange();
  exchange.predict = false;
  exchange.upstreamError = false;
  return exchange;
}
