import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import { PREDICT_INPUTS } from "../../model-protocol/tensor-proto-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { appendField, appendTag, appendVarint, fieldSize, LENGTH_DELIMITED } from "../../sdk/bytes/protobuf";
import { PieceSink } from "../body/piece-sink";
import { Input } from "./input";
import { TensorInfo } from "./signature";

/** The inputs of a Predict request: the entries of its map `inputs`. */
export class Inputs {
  count: i32 = 0;
  private readonly all: Input[] = [];

  /** Makes them those of a signature, which has one at least. */
  start(infos: TensorInfo[]): void {
    while (this.all.length < infos.length) this.all.push(new Input());
    this.count = infos.length;
    for (let i = 0; i < infos.length; i++) this.all[i].reset(infos[i]);
  }

  get first(): Input {
    return this.all[0];
  }

  /** The one of this name. */
  find(ptr: usize, len: i32): Input | null {
    for (let i = 0; i < this.count; i++) {
      const input = this.all[i];
      if (input.info.name.equals(ptr, len)) return input;
    }
    return null;
  }

  /** Has each of them `count` values? */
  haveValues(count: i32): bool {
    for (let i = 0; i < this.count; i++) if (this.all[i].values != count) return false;
    return true;
  }

  /** All values came; `rows` as of `Input.compose`. @returns false when one has none */
  compose(rows: i32): bool {
    for (let i = 0; i < this.count; i++) {
      const input = this.all[i];
      if (input.values == 0) return false;
      input.compose(rows);
    }
    return true;
  }

  /** Bytes of the fields that `write` writes. */
  get length(): i64 {
    let length: i64 = 0;
    for (let i = 0; i < this.count; i++) length += fieldSize(PREDICT_INPUTS, this.all[i].entryLength);
    return length;
  }

  /** Hands all of them to `sink`, the first behind what stands in `piece`. */
  write(piece: ByteBuffer, sink: PieceSink): void {
    for (let i = 0; i < this.count; i++) {
      const input = this.all[i];
      appendTag(piece, PREDICT_INPUTS, LENGTH_DELIMITED);
      appendVarint(piece, input.entryLength);
      appendField(piece, ENTRY_KEY, input.info.name.ptr, input.info.name.len);
      appendTag(piece, ENTRY_VALUE, LENGTH_DELIMITED);
      appendVarint(piece, input.tensorLength);
      piece.append(input.head.ptr, input.head.len);
      sink.piece(piece.ptr, piece.len);
      piece.clear();
      sink.pieces(input.chain);
    }
  }

  release(): void {
    for (let i = 0; i < this.count; i++) this.all[i].chain.release();
    this.count = 0;
  }
}
