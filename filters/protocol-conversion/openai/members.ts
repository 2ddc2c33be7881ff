import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Member } from "../generate/named-request";

/** The members of a request of OpenAI's API. */

/** What a value means; those below `Member.Others` are the base's. */
export enum MemberKind {
  Model = 3,
  Messages,
  Stream,
  StreamOptions,
  IncludeUsage,
  /** `n`. */
  Choices,
  /** Asks for what the conversion can't give. */
  Refused,
  Role,
  Content,
  PartType,
}
if (MemberKind.Model != Member.Others) ERROR("MemberKind begins with Member.Others");

const MODEL = bytes("model");
const MESSAGES = bytes("messages");
const STREAM = bytes("stream");
const STREAM_OPTIONS = bytes("stream_options");
const N = bytes("n");
const REFUSED: Bytes[] = [
  bytes("tools"),
  bytes("functions"),
  bytes("response_format"),
  bytes("logprobs"),
  bytes("top_logprobs"),
  bytes("best_of"),
  bytes("echo"),
  bytes("suffix"),
  bytes("audio"),
  bytes("modalities"),
  bytes("prediction"),
  bytes("dimensions"),
  bytes("web_search_options"),
];

/** What the key [ptr, ptr + len) of any request means: a `MemberKind`, or `Member.Ignored`. */
export function memberOf(ptr: usize, len: i32): i32 {
  if (MODEL.equals(ptr, len)) return MemberKind.Model;
  if (MESSAGES.equals(ptr, len)) return MemberKind.Messages;
  if (STREAM.equals(ptr, len)) return MemberKind.Stream;
  if (STREAM_OPTIONS.equals(ptr, len)) return MemberKind.StreamOptions;
  if (N.equals(ptr, len)) return MemberKind.Choices;
  for (let i = 0; i < REFUSED.length; i++) if (REFUSED[i].equals(ptr, len)) return MemberKind.Refused;
  return Member.Ignored;
}
