import "../../filters/sdk/host/abort";
import { Coding, takeEncodedBody } from "../../filters/decompression/encoded-body";
import { Progress } from "../../filters/decompression/progress";

/** Bodies in gzip or deflate, for fuzzing: chunks lie in memory from `allocate`, what they give at `textPtr`. */

const body = takeEncodedBody();

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export function begin(isGzip: bool, maxBytes: i32, maxRatio: i32): void {
  body.start(isGzip ? Coding.Gzip : Coding.Zlib, maxBytes, maxRatio);
}

/** @returns 0: all is well so far, 1: it is malformed, 2: it is too large */
export function decode(ptr: usize, len: i32): i32 {
  const progress = body.decode(ptr, len);
  return progress == Progress.TooLarge ? 2 : progress == Progress.Malformed ? 1 : 0;
}

export function textPtr(): usize {
  return body.ptr;
}

export function textLength(): i32 {
  return body.length;
}

/** What the chunk gave was read. */
export function taken(): void {
  body.keepWindow();
}

export function isWhole(): bool {
  return body.isWhole;
}
