import { Bytes, bytes } from "../sdk/bytes";
import { Slice } from "../sdk/headers";

const MODELS = bytes("/v2/models/");
const VERSIONS = bytes("/versions/");
const INFER = bytes("/infer");

/**
 * Matches `/v2/models/{model}[/versions/{version}]/infer`, a query aside, and sets the two names.
 * @returns false when the path is another one. Percent-encoded names do not match: model names need none.
 */
export function parseInferPath(path: Slice, model: Slice, version: Slice): bool {
  let len = path.len;
  for (let i: i32 = 0; i < len; i++) if (load<u8>(path.ptr + i) == 0x3f) len = i;
  if (!startsWith(path.ptr, len, MODELS)) return false;
  const end = path.ptr + len;
  const modelEnd = segmentEnd(path.ptr + MODELS.len, end);
  model.ptr = path.ptr + MODELS.len;
  model.len = <i32>(modelEnd - model.ptr);
  version.len = 0;
  let rest = modelEnd;
  if (startsWith(rest, <i32>(end - rest), VERSIONS)) {
    version.ptr = rest + VERSIONS.len;
    rest = segmentEnd(version.ptr, end);
    version.len = <i32>(rest - version.ptr);
    if (version.len == 0) return false;
  }
  return model.len > 0 && INFER.equals(rest, <i32>(end - rest));
}

function startsWith(ptr: usize, len: i32, prefix: Bytes): bool {
  return len >= prefix.len && prefix.equals(ptr, prefix.len);
}

/** End of a path segment; 0 bytes long when it holds a percent sign. */
function segmentEnd(from: usize, to: usize): usize {
  let at = from;
  while (at < to && load<u8>(at) != 0x2f) {
    if (load<u8>(at) == 0x25) return from;
    at++;
  }
  return at;
}
