import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { REQUEST_BODY } from "../sdk/host/abi";
import { proxy_set_buffer_bytes } from "../sdk/host/env";
import { pieceData, readPiece } from "./pieces";
import { changeLength } from "./replace-model";

const MEMBER = bytes('"stream_options":{"include_usage":true},');
/** White space in front of the body's object beyond which it is left as it is. */
const MOST_SPACE: i32 = 256;

/**
 * Asks for the usage of a stream in a body whose begin is held, and which has no `stream_options`.
 * @returns whether it does now
 */
export function askUsage(): bool {
  const len = readPiece(0, MOST_SPACE);
  const from = pieceData();
  let brace = 0;
  while (brace < len && load<u8>(from + brace) != Char.OPEN_BRACE) brace++;
  if (brace == len) return false;
  text.clear();
  text.append(from, brace + 1);
  text.appendBytes(MEMBER);
  proxy_set_buffer_bytes(REQUEST_BODY, 0, brace + 1, text.ptr, text.len);
  changeLength(MEMBER.len);
  return true;
}

const text: ByteBuffer = new ByteBuffer();
