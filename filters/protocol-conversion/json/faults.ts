import { bytes } from "../../sdk/bytes/bytes";

/** What may be wrong with a JSON body, whatever it means. */

export const MALFORMED = bytes("malformed JSON");
export const DUPLICATE = bytes("a member occurs twice");
export const WRONG_TYPE = bytes("a member has the wrong type");
export const TRUNCATED = bytes("the JSON ends too early");
export const TOO_DEEP = bytes("nested too deeply");
export const TOKEN_TOO_LONG = bytes("a string or number is too long");
