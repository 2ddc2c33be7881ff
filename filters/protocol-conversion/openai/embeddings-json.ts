import { Datatype } from "../../model-protocol/datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";
import { Output } from "../open-inference/output";
import { ReplyJson } from "../open-inference/reply-json";
import { OpenAiMapping } from "./mapping";
import { lastNumber, ReplyValues } from "./reply-values";

const LIST = bytes('{"object":"list","data":[');
const EMBEDDING = bytes('{"object":"embedding","index":');
const NUMBERS = bytes(',"embedding":[');
const END_OF_EMBEDDING = bytes("]}");
const MODEL = bytes('],"model":');
const USAGE = bytes(',"usage":{"prompt_tokens":');
const TOTAL_TOKENS = bytes(',"total_tokens":');
const END = bytes("}}");

/** A reply of a model as OpenAI's API has embeddings: each row of a tensor is one, as numbers. */
export class EmbeddingsJson extends ReplyJson {
  private mapping: OpenAiMapping = new OpenAiMapping();
  private readonly model: ByteBuffer = new ByteBuffer();
  private readonly values: ReplyValues = new ReplyValues();
  private readonly numbers: SlabChain = new SlabChain();
  /** Numbers of one embedding. */
  private rowLength: i64 = 1;

  /** Makes it ready for the reply to a request of the model that callers call `model`. */
  begin(mapping: OpenAiMapping, model: ByteBuffer): void {
    this.mapping = mapping;
    this.model.clear();
    this.model.append(model.ptr, model.len);
    this.release();
  }

  release(): void {
    this.values.release();
    this.numbers.release();
  }

  addText(_field: i32, _ptr: usize, _len: i32): void {}

  addParameter(_from: usize, _to: usize): bool {
    return true;
  }

  target(output: Output, _out: SlabChain): SlabChain {
    const name = output.name;
    const isNumbers = output.datatype != Datatype.BYTES;
    if (!isNumbers || !this.mapping.embedding.equals(name.ptr, name.len))
      return this.values.of(this.mapping, output);
    this.rowLength = max<i64>(output.lastDimension, 1);
    this.numbers.release();
    return this.numbers;
  }

  openTensor(_output: Output, _first: bool, _out: SlabChain): void {
    this.opened = true;
  }

  openOutputs(_out: SlabChain): void {
    this.opened = true;
  }

  closeTensor(_out: SlabChain): void {}

  close(out: SlabChain): void {
    out.appendBytes(LIST);
    if (this.numbers.length > 0) this.appendRows(out);
    const tokens = lastNumber(this.values.promptTokens);
    const text = this.text;
    text.clear();
    text.appendBytes(MODEL);
    appendJsonString(text, this.model.ptr, this.model.len, i32.MAX_VALUE);
    text.appendBytes(USAGE);
    text.appendDecimal(tokens);
    text.appendBytes(TOTAL_TOKENS);
    text.appendDecimal(tokens);
    text.appendBytes(END);
    out.append(text.ptr, text.len);
  }

  private appendRows(out: SlabChain): void {
    const numbers = this.numbers;
    let index: u64 = 0;
    let left = this.rowLength;
    this.openRow(index, out);
    for (let slab = numbers.firstSlab; slab != 0; slab = numbers.nextSlab(slab)) {
      const end = numbers.slabData(slab) + <usize>numbers.slabLength(slab);
      for (let at = numbers.slabData(slab); at < end; at++) {
        const c = load<u8>(at);
        if (c == Char.COMMA && --left == 0) {
          left = this.rowLength;
          out.appendBytes(END_OF_EMBEDDING);
          out.appendByte(Char.COMMA);
          this.openRow(++index, out);
        } else out.appendByte(c);
      }
    }
    out.appendBytes(END_OF_EMBEDDING);
  }

  private openRow(index: u64, out: SlabChain): void {
    const text = this.text;
    text.clear();
    text.appendBytes(EMBEDDING);
    text.appendDecimal(index);
    text.appendBytes(NUMBERS);
    out.append(text.ptr, text.len);
  }
}
