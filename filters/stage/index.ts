/** What a filter imports: `import { Config, HttpContext, Stage } from "modelgate/stage"`. */
export { ByteBuffer } from "../sdk/bytes/byte-buffer";
export { Bytes, bytes, startsWith, startsWithIgnoreCase } from "../sdk/bytes/bytes";
export { Slice } from "../sdk/bytes/slice";
export { REQUEST_BODY, REQUEST_HEADERS, RESPONSE_BODY, RESPONSE_HEADERS } from "../sdk/host/abi";
export { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
export { GrpcCode } from "../sdk/host/grpc-code";
export { Headers, removeHeader, setHeader } from "../sdk/host/headers";
export { HttpStatus } from "../sdk/host/http-status";
export { LogLevel, log } from "../sdk/host/log";
export { Counter, Gauge } from "../sdk/host/metrics";
export { Config } from "../sdk/pipeline/config";
export { defineModule } from "../sdk/pipeline/contexts";
export { HttpContext } from "../sdk/pipeline/http-context";
export { LocalReply } from "../sdk/pipeline/local-reply";
export { Stage } from "../sdk/pipeline/stage";
export { StreamState } from "../sdk/pipeline/stream-state";
