import { MODEL_SPEC } from "../../model-protocol/tensor-proto-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { appendField, fieldSize } from "../../sdk/bytes/protobuf";
import { startRequestFrame } from "../body/piece-sink";
import { SlabChain } from "../body/slabs";
import { copyText, textClosed, textMalformed } from "../json/element-text";
import { JsonReader } from "../json/reader";
import { Base64Text } from "./base64-text";
import { appendSignatureName } from "./model-spec";

export const SIGNATURE_NAME = bytes("signature_name");
/** The only member of a base64 object. */
export const B64 = bytes("b64");

export const NOT_BASE64 = bytes("b64 must be base64 text");
const BAD_TEXT = bytes("a string is malformed");

/**
 * What the requests of TensorFlow Serving's REST API have in common: the model that the path names, the name
 * of a signature, and strings that are text or base64 objects.
 */
export abstract class ServingRequest extends JsonReader {
  /** `ModelSpec` as far as the path says it. */
  readonly spec: ByteBuffer = new ByteBuffer();
  protected readonly base64: Base64Text = new Base64Text();

  protected startRequest(): void {
    this.release();
    this.start();
    this.spec.clear();
    this.base64.reset();
  }

  /** Where the string goes that is open. */
  protected abstract get textTarget(): SlabChain;
  /** It is over; it was base64, or text. */
  protected abstract textOver(wasBase64: bool): void;

  protected moreText(at: usize, to: usize): usize {
    const target = this.textTarget;
    const base64 = this.base64;
    const inBase64 = base64.open;
    const end = inBase64 ? base64.take(at, to, target) : copyText(at, to, target);
    if (inBase64 ? base64.malformed : textMalformed) this.fail(inBase64 ? NOT_BASE64 : BAD_TEXT);
    else if (inBase64 ? !base64.open : textClosed) {
      this.textDone();
      this.textOver(inBase64);
    }
    return end;
  }

  /** Writes to `out` the frame's head and the field `model_spec` of a request with `rest` bytes behind it. */
  protected startMessage(out: ByteBuffer, signature: usize, signatureLength: i32, rest: i64): void {
    appendSignatureName(this.spec, signature, signatureLength);
    startRequestFrame(out, fieldSize(MODEL_SPEC, this.spec.len) + rest);
    appendField(out, MODEL_SPEC, this.spec.ptr, this.spec.len);
  }
}
