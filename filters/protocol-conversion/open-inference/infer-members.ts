import {
  OUTPUT_PARAMETERS,
  REQUEST_PARAMETERS,
  TENSOR_PARAMETERS,
} from "../../model-protocol/open-inference-fields";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";

/** The members of an inference request's JSON. */

/** What an open object or array means. */
export enum Role {
  Ignored = 0,
  Request,
  Inputs,
  Input,
  Shape,
  Outputs,
  Output,
  Parameters,
  Data = 0x80,
}

/** What the value after a key means. */
export enum Member {
  Ignored,
  Id,
  Inputs,
  Outputs,
  Parameters,
  Name,
  Datatype,
  Shape,
  Data,
}

const ID = bytes("id");
const INPUTS = bytes("inputs");
const OUTPUTS = bytes("outputs");
const PARAMETERS = bytes("parameters");
const NAME = bytes("name");
const DATATYPE = bytes("datatype");
const SHAPE = bytes("shape");
export const DATA = bytes("data");
export const BINARY_DATA = bytes("binary_data");
export const BINARY_DATA_OUTPUT = bytes("binary_data_output");
export const BINARY_DATA_SIZE = bytes("binary_data_size");
export const SEQUENCE_ID = bytes("sequence_id");
export const SHARED_MEMORY_REGION = bytes("shared_memory_region");

/** What a key means in an object of the role `role`, parameters aside. */
export function memberOf(role: Role, ptr: usize, len: i32): Member {
  if (PARAMETERS.equals(ptr, len)) return Member.Parameters;
  if (role == Role.Request) {
    if (INPUTS.equals(ptr, len)) return Member.Inputs;
    if (OUTPUTS.equals(ptr, len)) return Member.Outputs;
    return ID.equals(ptr, len) ? Member.Id : Member.Ignored;
  }
  if (NAME.equals(ptr, len)) return Member.Name;
  if (role == Role.Output) return Member.Ignored;
  if (DATATYPE.equals(ptr, len)) return Member.Datatype;
  if (SHAPE.equals(ptr, len)) return Member.Shape;
  return DATA.equals(ptr, len) ? Member.Data : Member.Ignored;
}

/** Field of the message that holds the parameters of an object of the role `owner`. */
export function parameterFieldOf(owner: Role): i32 {
  if (owner == Role.Request) return REQUEST_PARAMETERS;
  return owner == Role.Input ? TENSOR_PARAMETERS : OUTPUT_PARAMETERS;
}

/** May a member be the literal that starts so? An optional one may be null, which means that it is absent. */
export function mayBeLiteral(member: Member, letter: u8): bool {
  if (member == Member.Ignored) return true;
  const optional =
    member == Member.Id || member == Member.Outputs || member == Member.Parameters || member == Member.Data;
  return optional && letter == Char.n;
}
