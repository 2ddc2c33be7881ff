import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { appendTag, appendVarint, LENGTH_DELIMITED, varintSize } from "../../sdk/bytes/protobuf";
import { PieceSink, startRequestFrame } from "../body/piece-sink";
import { SlabChain } from "../body/slabs";

class Tensor {
  readonly chain: SlabChain = new SlabChain();
  /** Bytes that come behind the JSON; -1 when the JSON had the data. */
  binarySize: i64 = -1;
}

/**
 * The tensors of a request and the gRPC frame around them. Tensors whose bytes come behind the JSON pass
 * through: the length of the whole message is known before the first of them arrives.
 */
export class RawContents {
  private head: ByteBuffer = new ByteBuffer();
  private field: i32 = 0;
  private readonly tensors: Tensor[] = [];
  private count: i32 = 0;
  /** The next tensor to write, and what is missing of it when it is binary. */
  private next: i32 = 0;
  binaryLeft: i64 = 0;

  release(): void {
    for (let i = 0; i < this.count; i++) this.tensors[i].chain.release();
    this.count = 0;
    this.next = 0;
    this.binaryLeft = 0;
  }

  /** Says what stands before the tensors, and the number of the field that each of them is. */
  enclose(head: ByteBuffer, field: i32): void {
    this.head = head;
    this.field = field;
  }

  /**
   * Adds a tensor: of `binarySize` bytes behind the JSON, or -1 for one that is written into the chain
   * returned.
   */
  add(binarySize: i64): SlabChain {
    if (this.count == this.tensors.length) this.tensors.push(new Tensor());
    const tensor = this.tensors[this.count++];
    tensor.binarySize = binarySize;
    return tensor.chain;
  }

  /** Is all of it written, binary data included? */
  get complete(): bool {
    return this.next == this.count && this.binaryLeft == 0;
  }

  private sizeOf(i: i32): i64 {
    const tensor = this.tensors[i];
    return tensor.binarySize < 0 ? tensor.chain.length : tensor.binarySize;
  }

  private get messageLength(): i64 {
    let length: i64 = this.head.len;
    for (let i = 0; i < this.count; i++) {
      const size = this.sizeOf(i);
      length += 1 + varintSize(size) + size;
    }
    return length;
  }

  /** Writes the frame's header, the message up to its tensors, and those up to the first binary one. */
  begin(sink: PieceSink): void {
    startRequestFrame(piece, this.messageLength);
    piece.append(this.head.ptr, this.head.len);
    this.proceed(sink);
  }

  /** `length` bytes of the binary tensor at hand were written. */
  binaryWritten(length: i64, sink: PieceSink): void {
    this.binaryLeft -= length;
    if (this.binaryLeft > 0) return;
    piece.clear();
    this.proceed(sink);
  }

  private proceed(sink: PieceSink): void {
    while (this.next < this.count && this.binaryLeft == 0) {
      const tensor = this.tensors[this.next];
      appendTag(piece, this.field, LENGTH_DELIMITED);
      appendVarint(piece, this.sizeOf(this.next));
      this.next++;
      if (tensor.binarySize >= 0) {
        this.binaryLeft = tensor.binarySize;
        continue;
      }
      sink.piece(piece.ptr, piece.len);
      piece.clear();
      sink.pieces(tensor.chain);
    }
    if (piece.len > 0) sink.piece(piece.ptr, piece.len);
    piece.clear();
  }
}

const piece: ByteBuffer = new ByteBuffer();
