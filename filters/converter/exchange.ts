import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";

/**
 * What one stream keeps between callbacks: the bytes of a body that is not whole yet. Reused for later
 * streams.
 */
export class Exchange extends StreamState {
  readonly body: ByteBuffer = new ByteBuffer();
  /**
   * Bytes that wait in the host's buffer: it lets a body be changed at its trailers only if some of it is
   * there.
   */
  heldBytes: i32 = 0;
  /** May the request end in trailers? It has no content-length then. */
  mayHaveTrailers: bool = false;
  /** The model's request is made. */
  asked: bool = false;
  /** The answer is given; what still comes of the reply is nobody's. */
  answered: bool = false;
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

  release(): void {
    this.forgetBody();
    pool.release(this);
  }
}

let buffered: i64 = 0;

/** Bytes of all bodies in this VM that wait for their end. */
export function bufferedBytes(): i64 {
  return buffered;
}

export function countBuffered(bytes: i32): void {
  buffered += bytes;
}

const pool: StreamPool<Exchange> = new StreamPool<Exchange>();

export function takeExchange(): Exchange {
  const exchange = pool.take();
  exchange.mayHaveTrailers = false;
  exchange.asked = false;
  exchange.answered = false;
  exchange.predict = false;
  exchange.upstreamError = false;
  return exchange;
}
