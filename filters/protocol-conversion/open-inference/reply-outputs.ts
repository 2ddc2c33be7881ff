import { Datatype } from "../../model-protocol/datatype";
import { MALFORMED, UNKNOWN_DATATYPE, WRONG_SIZE } from "../../model-protocol/model-faults";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { SlabChain } from "../body/slabs";
import { ElementStream, Encoding } from "../tensor/element-stream";
import { Output } from "./output";
import { Form, ReplyJson } from "./reply-json";
import { RequestedOutputs } from "./requested-outputs";

const HEADER_TOO_LONG = bytes("the JSON of the reply is longer than binaryHeaderBytes");

/**
 * The outputs of a reply on their way to the caller: as JSON, as binary data behind the JSON, or some so and
 * some so. Methods that can fail return what is wrong, or null.
 */
export class ReplyOutputs {
  /** Writes the JSON around the data. */
  json: ReplyJson = new ReplyJson();
  private readonly outputs: Output[] = [];
  private count: i32 = 0;
  /** How many of them had raw contents. */
  private raws: i32 = 0;
  private written: i32 = 0;
  private readonly stream: ElementStream = new ElementStream();
  /** Raw contents of a binary reply, while the length of its JSON is not known. */
  private readonly binary: SlabChain = new SlabChain();
  private binaryStart: i32 = 0;
  /** The outputs that the caller named, where some are to be JSON and some binary data; else null. */
  private mixed: RequestedOutputs | null = null;

  /** @param out what goes to the caller is appended to it */
  constructor(private readonly out: SlabChain) {}

  /** As `InferResponse.reset`. */
  reset(form: Form, headerBytes: i32, mixed: RequestedOutputs | null): void {
    this.mixed = mixed;
    this.json.form = form;
    this.json.headerBytes = headerBytes;
    this.json.neededBytes = 0;
    this.startReply();
  }

  startReply(): void {
    this.json.start();
    this.count = 0;
    this.raws = 0;
    this.written = 0;
  }

  release(): void {
    this.binary.release();
    for (let i = 0; i < this.count; i++) this.outputs[i].raw.release();
  }

  get binaryForm(): bool {
    return this.json.form == Form.Binary;
  }

  /** Did an output come, or anything of the JSON go out? */
  get began(): bool {
    return this.json.opened || this.count > 0;
  }

  /** Did raw contents come? After them there is no other output. */
  get sawRaw(): bool {
    return this.raws > 0;
  }

  /** Another output begins. */
  add(): void {
    if (this.count == this.outputs.length) this.outputs.push(new Output());
    this.outputs[this.count++].reset();
  }

  /** The output that began last. */
  get current(): Output {
    return this.outputs[this.count - 1];
  }

  /** The data of `current` begin, inside of it, unless they began before. */
  openContents(): Bytes | null {
    const output = this.current;
    if (output.written) return null;
    output.written = true;
    return this.start(output);
  }

  /** `current` is over. */
  closeContents(): Bytes | null {
    const output = this.current;
    return output.written ? this.end(output) : null;
  }

  /** `length` bytes of elements follow. */
  beginRun(encoding: Encoding, length: i64): void {
    this.stream.beginRun(encoding, length);
  }

  /** Is the run over? */
  get runOver(): bool {
    return this.stream.runOver;
  }

  /** Takes elements from [at, to). @returns the first byte not used; 0 where they are malformed */
  take(at: usize, to: usize): usize {
    const end = this.stream.take(at, to);
    return this.stream.malformed ? 0 : end;
  }

  /** The raw contents of the next output begin, a run of `length` bytes. */
  openRaw(length: i64): Bytes | null {
    if (this.raws == this.count || (this.raws == 0 && this.written > 0)) return MALFORMED;
    const output = this.outputs[this.raws++];
    output.size = length;
    if (!output.fits(length)) return WRONG_SIZE;
    const unknown = this.start(output);
    if (unknown != null) return unknown;
    this.stream.beginRun(Encoding.Raw, length);
    const last = this.raws == this.count && this.mixed == null;
    if (!this.binaryForm || !last) return null;
    const tooLong = this.writeHeader();
    this.stream.redirect(this.out);
    return tooLong;
  }

  closeRaw(): Bytes | null {
    return this.end(this.outputs[this.raws - 1]);
  }

  /** Writes an output up to its data. */
  private start(output: Output): Bytes | null {
    if (output.datatype == Datatype.Unknown) return UNKNOWN_DATATYPE;
    const asJson = !this.binaryForm;
    const mixed = this.mixed;
    const kept = mixed == null ? this.binary : output.raw;
    if (mixed != null) output.asJson = !mixed.isBinary(output.name.ptr, output.name.len);
    this.stream.begin(output.datatype, asJson, asJson ? this.json.target(output, this.out) : kept);
    this.written++;
    this.binaryStart = kept.length;
    if (asJson) this.json.openTensor(output, this.written == 1, this.out);
    return null;
  }

  private end(output: Output): Bytes | null {
    if (!this.binaryForm) this.json.closeTensor(this.out);
    else if (this.mixed != null) output.size = output.raw.length;
    else if (output.written) output.size = this.binary.length - this.binaryStart;
    return <f64>this.stream.elements != output.product ? WRONG_SIZE : null;
  }

  /** The reply is over. */
  finish(): Bytes | null {
    if (this.raws > 0 && this.raws < this.count) return MALFORMED;
    if (!this.binaryForm) return this.finishJson();
    return this.raws == 0 || this.mixed != null ? this.writeHeader() : null;
  }

  private finishJson(): Bytes | null {
    this.json.openOutputs(this.out);
    while (this.written < this.count) {
      const output = this.outputs[this.written];
      const unknown = this.start(output);
      if (unknown != null) return unknown;
      const fault = this.end(output);
      if (fault != null) return fault;
    }
    this.json.close(this.out);
    return null;
  }

  /** Writes the JSON of a binary reply, and what was kept until the sizes of all outputs were known. */
  private writeHeader(): Bytes | null {
    if (!this.json.writeHeader(this.outputs, this.count, this.out)) return HEADER_TOO_LONG;
    this.out.take(this.binary);
    for (let i = 0; i < this.count; i++) {
      const output = this.outputs[i];
      if (output.asJson) output.raw.release();
      else this.out.take(output.raw);
    }
    return null;
  }
}
