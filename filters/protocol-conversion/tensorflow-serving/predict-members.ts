import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { SIGNATURE_NAME } from "./serving-request";

/** The members of a Predict request's JSON. */

/** What an open object or array means. */
export enum Role {
  Ignored = 0,
  Request,
  /** An object of `instances` whose members are inputs, or that is a base64 object. */
  Row,
  /** The object `inputs`, likewise. */
  Columns,
  /** `{"b64": "..."}` */
  Base64,
  Data = 0x80,
}

/** What the value after a key means. */
export enum Member {
  Ignored,
  Signature,
  Instances,
  Inputs,
  /** A value of the current input. */
  Value,
  Base64,
}

const INSTANCES = bytes("instances");
const INPUTS = bytes("inputs");

/** What a key of the request means. */
export function memberOf(ptr: usize, len: i32): Member {
  if (SIGNATURE_NAME.equals(ptr, len)) return Member.Signature;
  if (INSTANCES.equals(ptr, len)) return Member.Instances;
  return INPUTS.equals(ptr, len) ? Member.Inputs : Member.Ignored;
}

/** The key of `Instances` or `Inputs`. */
export function dataKey(member: Member): Bytes {
  return member == Member.Instances ? INSTANCES : INPUTS;
}
