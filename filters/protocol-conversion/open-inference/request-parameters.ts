import { decimalToInteger, integerValue } from "../../model-protocol/numbers/decimal";
import { REQUEST_PARAMETERS } from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { WRONG_TYPE } from "../json/faults";
import * as fault from "./infer-faults";
import {
  BINARY_DATA,
  BINARY_DATA_OUTPUT,
  BINARY_DATA_SIZE,
  parameterFieldOf,
  Role,
  SEQUENCE_ID,
  SHARED_MEMORY_REGION,
} from "./infer-members";
import { appendBoolean, appendNumber, appendSequenceId, appendString } from "./parameters";
import { RequestedOutputs } from "./requested-outputs";

/**
 * The members of `parameters`: what those of the binary tensor data extension say is kept here, the others
 * are appended to a message, for the model. Methods that take a value return what is wrong with it, or null.
 */
export class RequestParameters {
  private readonly key: ByteBuffer = new ByteBuffer();
  /** Role of the object that has the parameter. */
  private owner: Role = Role.Request;
  /** Of an input, bytes of its data behind the JSON; -1 while it does not say. */
  binarySize: i64 = -1;
  /** Of an output, is it wanted as binary data: 0 or 1; -1 while it does not say. */
  outputBinary: i32 = -1;

  /**
   * @param ofRequest message for the parameters of the request
   * @param ofTensor for those of the input or output that is open
   * @param outputs are told what the request says of all of them
   */
  constructor(
    private readonly ofRequest: ByteBuffer,
    private readonly ofTensor: ByteBuffer,
    private readonly outputs: RequestedOutputs,
  ) {}

  /** Another input or output begins. */
  startTensor(): void {
    this.binarySize = -1;
    this.outputBinary = -1;
  }

  /** A value comes: that of `key` in the parameters of an object of the role `owner`. */
  setKey(owner: Role, ptr: usize, len: i32): void {
    this.owner = owner;
    this.key.clear();
    this.key.append(ptr, len);
  }

  private get out(): ByteBuffer {
    return this.owner == Role.Request ? this.ofRequest : this.ofTensor;
  }

  private isOf(owner: Role, name: Bytes): bool {
    return this.owner == owner && name.equals(this.key.ptr, this.key.len);
  }

  string(ptr: usize, len: i32): Bytes | null {
    if (SHARED_MEMORY_REGION.equals(this.key.ptr, this.key.len)) return fault.SHARED_MEMORY;
    appendString(this.out, parameterFieldOf(this.owner), this.key, ptr, len);
    return null;
  }

  /** The number that `parseNumber` read. */
  number(): Bytes | null {
    if (this.isOf(Role.Input, BINARY_DATA_SIZE)) {
      if (!decimalToInteger(63, false)) return WRONG_TYPE;
      this.binarySize = <i64>integerValue;
    } else if (this.isOf(Role.Request, SEQUENCE_ID)) {
      if (!appendSequenceId(this.out, REQUEST_PARAMETERS, this.key)) return fault.BAD_SEQUENCE_ID;
    } else if (!appendNumber(this.out, parameterFieldOf(this.owner), this.key)) return fault.BAD_PARAMETER;
    return null;
  }

  /** `true`, `false` or `null`, by its first letter. */
  literal(letter: u8): Bytes | null {
    if (letter == Char.n) return fault.BAD_PARAMETER;
    const value = letter == Char.t;
    if (this.isOf(Role.Output, BINARY_DATA)) this.outputBinary = <i32>value;
    else if (this.isOf(Role.Request, BINARY_DATA_OUTPUT)) this.outputs.binaryByDefault = value;
    else appendBoolean(this.out, parameterFieldOf(this.owner), this.key, value);
    return null;
  }
}
