import type { ModelTask } from "../../api/model-task.ts";
import type { ReplyMapper } from "./cors-replies.ts";

/** Envoy's flags of a response that it made because of the model server, or because there is none. */
const UPSTREAM_FLAGS = ["UH", "UF", "UT", "UC", "UR", "UO", "URX", "NC", "NR"];

/**
 * What Envoy's own answers to calls of OpenAI's API become: its errors, of which the code is Envoy's word for
 * what happened. The filters' replies have no such flag, and are OpenAI's already.
 */
export function openAiReplies(tasks: ModelTask[]): ReplyMapper[] {
  if (!tasks.some(({ spec }) => spec.protocol === "openai")) return [];
  const regex = String.raw`.*/(chat/completions|completions|embeddings|responses)(\?.*)?`;
  const error = {
    message: "%LOCAL_REPLY_BODY%",
    type: "server_error",
    param: null,
    code: "upstream_error",
    reason: "%RESPONSE_CODE_DETAILS%",
  };
  return [
    {
      filter: {
        and_filter: {
          filters: [
            { header_filter: { header: { name: ":path", string_match: { safe_regex: { regex } } } } },
            { response_flag_filter: { flags: UPSTREAM_FLAGS } },
          ],
        },
      },
      body_format_override: { json_format: { error }, content_type: "application/json" },
    },
  ];
}
