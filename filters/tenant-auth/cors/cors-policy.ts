import { Bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { CrossOrigin } from "../../sdk/pipeline/cross-origin";

/** Which pages of other origins may call, and how. Made when the plug-in is configured. */
export class CorsPolicy extends CrossOrigin {
  constructor(
    /** Exact, `*` for each, or with `*` for the first labels of a host: `https://*.example.com`. */
    private readonly origins: Bytes[],
    /** As `Access-Control-Allow-Methods` has them. */
    readonly methods: Bytes,
    /** As `Access-Control-Allow-Headers` has them; null: those that the page asks for. */
    readonly headers: Bytes | null,
    credentials: bool,
    /** How long a browser may remember the answer to a preflight. */
    readonly maxAgeSeconds: u32,
  ) {
    super(credentials);
  }

  allows(origin: Slice): bool {
    const origins = this.origins;
    for (let i = 0; i < origins.length; i++) if (matches(origins[i], origin)) return true;
    return false;
  }
}

function matches(pattern: Bytes, origin: Slice): bool {
  let before = 0;
  while (before < pattern.len && load<u8>(pattern.ptr + before) != Char.ASTERISK) before++;
  if (before == pattern.len) return pattern.equals(origin.ptr, origin.len);
  if (pattern.len == 1) return true;
  const behind = pattern.len - before - 1;
  return (
    origin.len > before + behind &&
    memory.compare(pattern.ptr, origin.ptr, before) == 0 &&
    memory.compare(pattern.ptr + before + 1, origin.ptr + origin.len - behind, behind) == 0
  );
}
