import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { directNextAllocation } from "../../sdk/host/arena";
import { bufferData, readBuffer } from "../../sdk/host/body";

/**
 * A view of a body that arrives in chunks, as parsers like it: tokens are never split. What a parser left
 * unconsumed of one slice is put right before the next one, so it reads [start, end) as one run. The memory
 * is shared by all streams of the VM; each keeps only its unconsumed bytes.
 */

/** Longest token that is not read piece by piece. */
export const MAX_TOKEN: i32 = 64 * 1024;
const SLICE: i32 = 64 * 1024;
/** Parsers may load words beyond the end. */
const SLACK: i32 = 16;

const window: usize = heap.alloc(MAX_TOKEN + SLICE + SLACK);

/** The bytes in the window, [start, end). */
class View {
  start: usize = 0;
  end: usize = 0;
}

export const view: View = new View();

/**
 * Opens the window on the bytes from `offset` of a body chunk of `size` bytes.
 * @returns how many were read.
 */
export function openWindow(bufferType: i32, offset: i32, size: i32, carry: ByteBuffer): i32 {
  const slice = window + MAX_TOKEN;
  const wanted = min(size - offset, SLICE);
  let length = 0;
  if (wanted > 0) {
    directNextAllocation(slice, SLICE + SLACK);
    length = readBuffer(bufferType, offset, wanted);
    directNextAllocation(0, 0);
    if (length > 0 && bufferData() != slice) memory.copy(slice, bufferData(), length);
  }
  view.start = slice - carry.len;
  view.end = slice + length;
  memory.copy(view.start, carry.ptr, carry.len);
  return length;
}

/** Keeps [from, view.end) for the next slice. @returns false when that is longer than any token may be. */
export function closeWindow(from: usize, carry: ByteBuffer): bool {
  carry.clear();
  const left = <i32>(view.end - from);
  if (left > MAX_TOKEN) return false;
  carry.append(from, left);
  return true;
}
