import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { queryStart } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { HttpStatus } from "../sdk/host/http-status";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { sendJson } from "../sdk/pipeline/local-reply";

const GET = bytes("GET");
const HEAD = bytes("HEAD");
const POST = bytes("POST");

const ALIVE = bytes('{"live":true}\n');

/** A path that needs no credential, such as a health check of a load balancer. */
export class PublicPath {
  constructor(
    /** Without a query; a segment `*` stands for any one segment. */
    private readonly path: Bytes,
    /** The task of a request that names none; null: it must name one. */
    private readonly task: Bytes | null,
    private readonly cluster: Bytes | null,
    /** Does the gateway answer a request that names no task, as long as it is no gRPC call? */
    private readonly gateway: bool,
  ) {}

  /** Is the request for this path? Only one that changes nothing: GET, HEAD, or the POST of a gRPC caller. */
  admits(http: HttpContext): bool {
    const method = http.method;
    const asked = http.grpc
      ? POST.equals(method.ptr, method.len)
      : GET.equals(method.ptr, method.len) || HEAD.equals(method.ptr, method.len);
    const isKnown =
      http.taskids == 0
        ? this.task != null || (this.gateway && !http.grpc)
        : http.taskids == 1 && http.taskid.len > 0;
    return asked && isKnown && this.matches(http.path);
  }

  /** Names the task of a request that this admits, or answers it. @returns whether it is answered */
  answers(http: HttpContext): bool {
    if (http.taskids > 0) return false;
    const task = this.task;
    if (task != null) {
      http.nameTask(task, this.cluster);
      return false;
    }
    http.replied = true;
    sendJson(HttpStatus.OK, ALIVE.ptr, ALIVE.len, http.crossOrigin, http.origin);
    return true;
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
    const task = config.has("task") ? bytes(config.text("task")) : null;
    const gateway = config.flag("gateway", false);
    const cluster = config.has("cluster") ? bytes(config.text("cluster")) : null;
    if (cluster != null && task == null) config.fault("cluster", "needs task");
    if (task != null && gateway) config.fault("task", "excludes gateway");
    paths.push(new PublicPath(bytes(path), task, cluster, gateway));
    config.finish();
  }
  return paths;
}
