import { RESPONSE_MODEL_NAME, RESPONSE_MODEL_VERSION } from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";
import { Output } from "./output";
import { appendMember } from "./parameters";

/** What goes out. */
export enum Form {
  Json,
  /**
   * JSON padded with spaces to a length that was announced, then raw contents (binary tensor data extension).
   */
  Binary,
  /** A stream of replies, each a Server-Sent Event. */
  Events,
  /** A stream of replies, each a line of JSON. */
  Lines,
}

const MODEL_NAME = bytes('"model_name":');
const MODEL_VERSION = bytes('"model_version":');
const ID = bytes('"id":');
const PARAMETERS = bytes('"parameters":{');
const OUTPUTS = bytes('"outputs":[');
const END = bytes("]}");
const EVENT = bytes("data: ");
const EVENT_END = bytes("\n\n");
const ERROR = bytes('{"error":');

/** Room kept for each output that is yet to come before another may put its data into the JSON. */
const OTHER_OUTPUT: i32 = 512;

/** The JSON of a reply, but for the data of its tensors. */
export class ReplyJson {
  form: Form = Form.Json;
  /** Bytes of the JSON of a binary reply, padding included. */
  headerBytes: i32 = 0;
  /** Bytes of it without padding. */
  neededBytes: i32 = 0;
  /** Members before the outputs, with a comma or brace before each. */
  protected readonly members: ByteBuffer = new ByteBuffer();
  protected readonly parameters: ByteBuffer = new ByteBuffer();
  /** Are they written? */
  opened: bool = false;
  protected readonly text: ByteBuffer = new ByteBuffer();

  start(): void {
    this.members.clear();
    this.parameters.clear();
    this.opened = false;
  }

  /** Adds the member of a field of `ModelInferResponse` that is a string. */
  addText(field: i32, ptr: usize, len: i32): void {
    const known = field == RESPONSE_MODEL_VERSION ? MODEL_VERSION : ID;
    this.addName(field == RESPONSE_MODEL_NAME ? MODEL_NAME : known);
    appendJsonString(this.members, ptr, len, i32.MAX_VALUE);
  }

  private addName(name: Bytes): void {
    this.members.appendByte(this.members.len == 0 ? Char.OPEN_BRACE : Char.COMMA);
    this.members.appendBytes(name);
  }

  /** Adds an entry of the map `parameters`. @returns false when it is malformed */
  addParameter(from: usize, to: usize): bool {
    if (this.parameters.len > 0) this.parameters.appendByte(Char.COMMA);
    return appendMember(this.parameters, from, to);
  }

  /** Writes what stands before the outputs, unless it is written. */
  openOutputs(out: SlabChain): void {
    this.text.clear();
    this.appendMembers();
    out.append(this.text.ptr, this.text.len);
  }

  /** Starts a reply of a stream. */
  protected appendOpening(): void {
    this.opened = true;
    if (this.form == Form.Events) this.text.appendBytes(EVENT);
  }

  /** Appends what stands before the outputs to `text`, unless it is written. */
  protected appendMembers(): void {
    if (this.opened) return;
    this.appendOpening();
    if (this.parameters.len > 0) {
      this.addName(PARAMETERS);
      this.members.append(this.parameters.ptr, this.parameters.len);
      this.members.appendByte(Char.CLOSE_BRACE);
    }
    this.addName(OUTPUTS);
    this.text.append(this.members.ptr, this.members.len);
  }

  /** Where the data of an output go as JSON; `out` is what goes to the caller. */
  target(_output: Output, out: SlabChain): SlabChain {
    return out;
  }

  /** Writes an output up to its data; `first` of the reply. */
  openTensor(output: Output, first: bool, out: SlabChain): void {
    const text = this.text;
    text.clear();
    this.appendMembers();
    if (!first) text.appendByte(Char.COMMA);
    output.appendOpening(text);
    out.append(text.ptr, text.len);
  }

  closeTensor(out: SlabChain): void {
    out.appendBytes(END);
  }

  /** Writes what stands behind the outputs. */
  close(out: SlabChain): void {
    out.appendBytes(END);
    this.endReply(out);
  }

  protected endReply(out: SlabChain): void {
    if (this.form == Form.Events) out.appendBytes(EVENT_END);
    else if (this.form == Form.Lines) out.appendByte(Char.LF);
  }

  /** Writes a reply of a stream that is an error. */
  writeError(ptr: usize, len: i32, out: SlabChain): void {
    this.opened = true;
    const text = this.text;
    text.clear();
    if (this.form == Form.Events) text.appendBytes(EVENT);
    text.appendBytes(ERROR);
    appendJsonString(text, ptr, len, i32.MAX_VALUE);
    text.appendByte(Char.CLOSE_BRACE);
    out.append(text.ptr, text.len);
    this.endReply(out);
  }

  /** Writes all of the JSON of a binary reply. @returns false when it is longer than was announced */
  writeHeader(outputs: Output[], count: i32, out: SlabChain): bool {
    const text = this.text;
    text.clear();
    this.appendMembers();
    for (let i = 0; i < count; i++) {
      const output = outputs[i];
      if (i > 0) text.appendByte(Char.COMMA);
      const most = this.headerBytes - text.len - (count - i) * OTHER_OUTPUT;
      if (output.asJson) output.asJson = output.appendWithData(text, most);
      if (!output.asJson) output.appendBinary(text);
    }
    text.appendBytes(END);
    this.neededBytes = text.len;
    const padding = this.headerBytes - text.len;
    if (padding < 0) return false;
    text.reserve(padding);
    memory.fill(text.end, Char.SPACE, padding);
    text.len += padding;
    out.append(text.ptr, text.len);
    return true;
  }
}
