import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { queryStart } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";

const GET = bytes("GET");
const HEAD = bytes("HEAD");
const POST = bytes("POST");

/** A path that needs no credential, such as a health check of a load balancer. */
export class PublicPath {
  constructor(
    /** Without a query; a segment `*` stands for any one segment. */
    private readonly path: Bytes,
  ) {}

  /**
   * Is the request for this path? Only one that changes nothing: GET, HEAD, or the POST of a gRPC caller.
   * It must say one task.
   */
  admits(http: HttpContext): bool {
    const method = http.method;
    const asked = http.grpc
      ? POST.equals(method.ptr, method.len)
      : GET.equals(method.ptr, method.len) || HEAD.equals(method.ptr, method.len);
    return asked && http.taskids == 1 && http.taskid.len > 0 && this.matches(http.path);
  }

  private matches(path: Slice): bool {
    const end = path.ptr + queryStart(path);
    const patternEnd = this.path.ptr + this.path.len;
    let at = path.ptr;
    let pattern = this.path.ptr;
    while (pattern < patternEnd) {
      if (load<u8>(pattern) == Char.ASTERISK) {
        const from = at;
        while (at < end && load<u8>(at) != Char.SLASH) at++;
        if (at == from) return false;
        pattern++;
      } else if (at == end || load<u8>(at++) != load<u8>(pattern++)) return false;
    }
    return at == end;
  }
}

/** Reads `publicPaths`. */
export function readPublicPaths(configs: Config[]): PublicPath[] {
  const paths: PublicPath[] = [];
  for (let i = 0; i < configs.length; i++) {
    const config = configs[i];
    const path = config.text("path");
    const segments = path.split("/");
    let whole = path.startsWith("/") && !path.includes("?");
    for (let s = 0; s < segments.length; s++)
      if (segments[s].includes("*") && segments[s] != "*") whole = false;
    if (!whole) config.fault("path", "must start with / and have no query; * stands for a whole segment");
    paths.push(new PublicPath(bytes(path)));
    config.finish();
  }
  return paths;
}
