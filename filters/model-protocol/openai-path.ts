import { bytes, startsWith } from "../sdk/bytes/bytes";
import { queryStart } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";

/** What a path of OpenAI's API asks for. */
export enum OpenAiOperation {
  None,
  ChatCompletions,
  Completions,
  Embeddings,
  Responses,
  /** The list of models. */
  Models,
  /** One of them. */
  Model,
}

/** KServe's runtimes have the API below this; its callers may go on writing it. */
const KSERVE = bytes("/openai");
const API = bytes("/v1/");
const CHAT_COMPLETIONS = bytes("chat/completions");
const COMPLETIONS = bytes("completions");
const EMBEDDINGS = bytes("embeddings");
const RESPONSES = bytes("responses");
const MODELS = bytes("models");
const ONE_MODEL = bytes("models/");

/**
 * Of the path that `openAiOperation` read last: what stands behind /v1, from its slash to the query's end.
 */
export const behindBase: Slice = new Slice();

/** Which operation a path is, a query aside; None for paths that are not passed. */
export function openAiOperation(path: Slice): OpenAiOperation {
  let at = path.ptr;
  let len = queryStart(path);
  if (startsWith(at, len, KSERVE)) {
    at += KSERVE.len;
    len -= KSERVE.len;
  }
  if (!startsWith(at, len, API)) return OpenAiOperation.None;
  at += API.len;
  len -= API.len;
  behindBase.ptr = at - 1;
  behindBase.len = <i32>(path.ptr + path.len - behindBase.ptr);
  if (CHAT_COMPLETIONS.equals(at, len)) return OpenAiOperation.ChatCompletions;
  if (COMPLETIONS.equals(at, len)) return OpenAiOperation.Completions;
  if (EMBEDDINGS.equals(at, len)) return OpenAiOperation.Embeddings;
  if (RESPONSES.equals(at, len)) return OpenAiOperation.Responses;
  if (MODELS.equals(at, len)) return OpenAiOperation.Models;
  return startsWith(at, len, ONE_MODEL) && len > ONE_MODEL.len ? OpenAiOperation.Model : OpenAiOperation.None;
}

/** Sets `name` to what of the path of one model is its name, still percent-encoded. */
export function modelOfPath(path: Slice, name: Slice): void {
  name.ptr = behindBase.ptr + 1 + ONE_MODEL.len;
  name.len = <i32>(path.ptr + queryStart(path) - name.ptr);
}

/** Does it name its model in the body? */
export function hasModelInBody(operation: OpenAiOperation): bool {
  return operation >= OpenAiOperation.ChatCompletions && operation <= OpenAiOperation.Responses;
}
