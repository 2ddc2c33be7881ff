import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { NameTable } from "../sdk/bytes/name-table";
import { Slice } from "../sdk/bytes/slice";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { PathTemplate, readTemplate } from "./path-template";

/** Any seed but 0, which stands for a path that does not fit. */
const SEED: u64 = 1;

const credential: Slice = new Slice();

/**
 * Requests that a limit does not count: those of some credentials, and those for some paths. None by a
 * header: a caller could write it.
 */
export class Exempt {
  private readonly credentials: NameTable<bool> = new NameTable<bool>();
  private readonly paths: PathTemplate[] = [];

  has(http: HttpContext): bool {
    if (this.credentials.count > 0) {
      http.findCredential(credential);
      if (this.credentials.has(credential.ptr, credential.len)) return true;
    }
    if (this.paths.length == 0) return false;
    const path = http.path;
    // A server may decode `%2F` to a slash, and take the path for another one.
    if (hasEscape(path)) return false;
    for (let i = 0; i < this.paths.length; i++) {
      if (unchecked(this.paths[i]).match(path.ptr, path.len, SEED) != 0) return true;
    }
    return false;
  }

  /** Reads `exempt` of a limit; absent: null. */
  static read(limit: Config): Exempt | null {
    const config = limit.object("exempt");
    if (config == null) return null;
    const exempt = new Exempt();
    const ids = config.texts("credentials");
    for (let i = 0; i < ids.length; i++) {
      if (ids[i].length == 0) config.fault(`credentials[${i.toString()}]`, "must not be empty");
      exempt.credentials.add(bytes(ids[i]), true);
    }
    const paths = config.texts("paths");
    for (let i = 0; i < paths.length; i++)
      exempt.paths.push(readTemplate(config, `paths[${i.toString()}]`, paths[i]));
    config.finish();
    return exempt;
  }
}

/** Is there a `%` in the path, before its query? */
function hasEscape(path: Slice): bool {
  for (let i: i32 = 0; i < path.len; i++) {
    const c = load<u8>(path.ptr + i);
    if (c == Char.QUESTION) return false;
    if (c == Char.PERCENT) return true;
  }
  return false;
}
