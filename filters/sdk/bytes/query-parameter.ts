import { ByteBuffer } from "./byte-buffer";
import { Bytes, hexDigit } from "./bytes";
import { Char } from "./chars";
import { Slice } from "./slice";

/** Where the query of a path starts, with its question mark; the path's end when it has none. */
export function queryStart(path: Slice): i32 {
  for (let i: i32 = 0; i < path.len; i++) if (load<u8>(path.ptr + i) == Char.QUESTION) return i;
  return path.len;
}

const cut: ByteBuffer = new ByteBuffer();

/**
 * Cuts each parameter `name` out of the query of `path`, in place, and sets `value` to what the last one
 * held, percent-decoded (RFC 3986, section 2.1): a `+` is a plus, and what is no encoding stays as it is.
 * The bytes of `value` stay until the next call.
 * @returns how often the parameter was there
 */
export function cutQueryParameter(path: Slice, name: Bytes, value: Slice): i32 {
  const end = path.ptr + path.len;
  const start = path.ptr + queryStart(path);
  let found = 0;
  let at = start; // the `?` or `&` before a parameter
  let to = start;
  while (at < end) {
    let next = at + 1;
    while (next < end && load<u8>(next) != Char.AMPERSAND) next++;
    const held = valueStart(at + 1, next, name);
    if (held != 0) {
      found++;
      decode(cut, held, next);
    } else {
      if (found > 0) {
        memory.copy(to, at, next - at);
        store<u8>(to, to == start ? Char.QUESTION : Char.AMPERSAND);
      }
      to += next - at;
    }
    at = next;
  }
  if (found == 0) return 0;
  path.len = <i32>(to - path.ptr);
  value.ptr = cut.ptr;
  value.len = cut.len;
  return found;
}

function decode(out: ByteBuffer, from: usize, to: usize): void {
  out.clear();
  while (from < to) {
    let c = load<u8>(from++);
    if (c == Char.PERCENT && from + 2 <= to) {
      const byte = (hexDigit(load<u8>(from)) << 4) | hexDigit(load<u8>(from + 1));
      if (byte >= 0) {
        c = <u8>byte;
        from += 2;
      }
    }
    out.appendByte(c);
  }
}

/**
 * Where the value of the parameter [from, to) starts, 0 unless its name is `name`, percent-encoded or not.
 */
function valueStart(from: usize, to: usize, name: Bytes): usize {
  const end = skipEncoded(from, to, name);
  return end != 0 && end < to && load<u8>(end) == Char.EQUALS ? end + 1 : 0;
}

/** Where `text`, percent-encoded or not, ends if [from, to) starts with it; else 0. */
export function skipEncoded(from: usize, to: usize, text: Bytes): usize {
  for (let i: i32 = 0; i < text.len; i++) {
    if (from >= to) return 0;
    let c = load<u8>(from++);
    if (c == Char.PERCENT && from + 2 <= to) {
      const byte = (hexDigit(load<u8>(from)) << 4) | hexDigit(load<u8>(from + 1));
      if (byte < 0) return 0;
      c = <u8>byte;
      from += 2;
    }
    if (c != load<u8>(text.ptr + i)) return 0;
  }
  return from;
}
