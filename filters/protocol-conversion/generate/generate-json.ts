import { MessageReader } from "../../model-protocol/message-reader";
import { ENTRY_KEY } from "../../model-protocol/open-inference-fields";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";
import { Output } from "../open-inference/output";
import { ReplyJson } from "../open-inference/reply-json";

/** Triton's gRPC says so which reply is the last of a stream; its HTTP does not. */
const FINAL_RESPONSE = bytes("triton_final_response");

const fields: MessageReader = new MessageReader();

/**
 * The JSON of a reply as the generate extension has it: one object, in which outputs and parameters are
 * members; an output of one element is no list.
 */
export class GenerateJson extends ReplyJson {
  /** Is the output that is open a list? */
  private listed: bool = false;

  addParameter(from: usize, to: usize): bool {
    for (fields.start(from, to); fields.next(); ) {
      if (fields.isBytes(ENTRY_KEY) && FINAL_RESPONSE.equals(fields.from, fields.length)) return true;
    }
    return super.addParameter(from, to);
  }

  protected appendMembers(): void {
    if (this.opened) return;
    this.appendOpening();
    this.text.append(this.members.ptr, this.members.len);
    if (this.members.len == 0) this.text.appendByte(Char.OPEN_BRACE);
    if (this.parameters.len == 0) return;
    if (this.members.len > 0) this.text.appendByte(Char.COMMA);
    this.text.append(this.parameters.ptr, this.parameters.len);
  }

  openTensor(output: Output, first: bool, out: SlabChain): void {
    const text = this.text;
    text.clear();
    this.appendMembers();
    if (!first || this.members.len + this.parameters.len > 0) text.appendByte(Char.COMMA);
    appendJsonString(text, output.name.ptr, output.name.len, i32.MAX_VALUE);
    text.appendByte(Char.COLON);
    this.listed = output.product != 1;
    if (this.listed) text.appendByte(Char.OPEN_BRACKET);
    out.append(text.ptr, text.len);
  }

  closeTensor(out: SlabChain): void {
    if (this.listed) out.appendByte(Char.CLOSE_BRACKET);
  }

  close(out: SlabChain): void {
    out.appendByte(Char.CLOSE_BRACE);
    this.endReply(out);
  }
}
