import { bytes } from "../../sdk/bytes/bytes";

/** What may be wrong with a request of OpenAI's API, beside its grammar. */

export const UNSUPPORTED = bytes("the model's server takes no such parameter");
export const ONE_CHOICE = bytes("the model's server gives one choice: n must be 1");
export const TEXT_ONLY = bytes("the model's server takes text only");
export const NO_TEXT = bytes("the request has no messages, prompt or input");
export const NO_ROLE = bytes("a message needs a role");
export const ONE_PROMPT = bytes("the model's server takes one prompt a request, a text");
