import "../../filters/sdk/host/abort";
import { PathPattern } from "../../filters/access-log/path-pattern";
import { narrowToTraceId } from "../../filters/access-log/trace-id";
import { ByteBuffer } from "../../filters/sdk/bytes/byte-buffer";
import { toText } from "../../filters/sdk/bytes/bytes";
import { appendInstant } from "../../filters/sdk/bytes/instant-text";
import { appendJsonString } from "../../filters/sdk/bytes/json-text";
import { Slice } from "../../filters/sdk/bytes/slice";

/** What lines are made of, for tests: inputs lie in memory from `allocate`, the result at `resultPtr`. */

const out = new ByteBuffer();
const slice = new Slice();

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** @returns length of the JSON string */
export function jsonString(ptr: usize, len: i32, limit: i32): i32 {
  out.clear();
  appendJsonString(out, ptr, len, limit);
  return out.len;
}

/** @returns length of the trace id, 0 for none */
export function traceId(ptr: usize, len: i32): i32 {
  slice.ptr = ptr;
  slice.len = len;
  narrowToTraceId(slice);
  return keep();
}

/** @returns length of the path as a line shows it */
export function hidden(pattern: usize, patternLen: i32, path: usize, len: i32): i32 {
  slice.ptr = path;
  slice.len = len;
  new PathPattern(toText(pattern, patternLen)).hide(slice);
  return keep();
}

export function instant(milliseconds: f64): i32 {
  out.clear();
  appendInstant(out, <u64>milliseconds);
  return out.len;
}

function keep(): i32 {
  out.clear();
  out.append(slice.ptr, slice.len);
  return out.len;
}

export function resultPtr(): usize {
  return out.ptr;
}
