import { REQUEST_ID } from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { appendField } from "../../sdk/bytes/protobuf";
import { WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { text } from "../json/tokens";
import { PARAMETERS_TAKEN } from "./generate-faults";
import { ModelDescription } from "./model-description";
import { Member, NamedRequest, Role } from "./named-request";

/**
 * `POST /v2/models/{model}/generate` of Triton's generate extension -> `inference.ModelInferRequest`. Members
 * of the object, and of its member `parameters`, that are named as inputs of the model become tensors, the
 * others parameters of the request (Triton's http_server.cc, ConvertGenerateRequest).
 */

const PARAMETERS_ROLE: i32 = Role.Others;

/** Members. */
const ID_TEXT: i32 = Member.Others;
const PARAMETERS_OBJECT: i32 = Member.Others + 1;

const ID = bytes("id");
const PARAMETERS = bytes("parameters");

export class GenerateRequest extends NamedRequest {
  /** Makes it ready for a new request to this model; names come from the path. */
  reset(model: ModelDescription, name: ByteBuffer, version: ByteBuffer): void {
    this.startRequest(model, name, version);
  }

  protected openOther(object: bool): i32 {
    if (this.member == PARAMETERS_OBJECT && object) return PARAMETERS_ROLE;
    this.fail(WRONG_TYPE);
    return IGNORED;
  }

  protected keyOf(role: i32): i32 {
    const ptr = text.ptr;
    const len = text.len;
    if (role == Role.Request && ID.equals(ptr, len)) return this.once(ID_TEXT);
    if (role != Role.Request || !PARAMETERS.equals(ptr, len)) return this.named(ptr, len);
    if (this.model.find(ptr, len) >= 0) this.fail(PARAMETERS_TAKEN);
    return this.once(PARAMETERS_OBJECT);
  }

  protected stringOther(member: i32): void {
    if (member == ID_TEXT) appendField(this.head, REQUEST_ID, text.ptr, text.len);
    else this.fail(WRONG_TYPE);
  }
}
