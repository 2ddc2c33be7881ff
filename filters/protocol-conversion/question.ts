import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Message } from "./protobuf/message-json";

const OPEN_INFERENCE: string = "/inference.";

/** A question about the server or a model, without a body: one call to the model server answers it. */
export class Question {
  /** Path of the gRPC method. */
  readonly rpc: Bytes;
  /** May the answer be no (`false`), which the protocols want as a 4xx? */
  mayBeNo: bool = false;
  /** Is it a method of the Open Inference Protocol? */
  readonly isOpenInference: bool;

  constructor(
    rpc: string,
    /** What the model server answers. */
    readonly reply: Message,
    /** Appends the message that asks, of the names that `parseRoute` found. */
    readonly appendRequest: (out: ByteBuffer) => void,
  ) {
    this.rpc = bytes(rpc);
    this.isOpenInference = rpc.startsWith(OPEN_INFERENCE);
  }

  orNo(): Question {
    this.mayBeNo = true;
    return this;
  }
}
