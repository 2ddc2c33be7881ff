import { bytes } from "../sdk/bytes/bytes";

/** What can be wrong with a model's reply. */

export const COMPRESSED = bytes("the model sent a compressed message");
export const MALFORMED = bytes("the model sent a malformed message");
export const OVERSIZE = bytes("the model sent a message over the limit of the gateway");
export const ORDER = bytes("the model sent the fields of a message out of order");
export const SEVERAL = bytes("the model sent more than one message");
export const NOT_GRPC = bytes("the model server answered without gRPC");
export const CUT_OFF = bytes("the model's reply ends too early");
export const NOT_FINITE = bytes("the model sent NaN or an infinity, which JSON has no number for");
export const UNKNOWN_DATATYPE = bytes("the model sent a tensor of an unknown datatype");
export const WRONG_SIZE = bytes("the model sent a tensor whose data do not have the size of its shape");
