import { bytes } from "./bytes";

/** Names of headers that more than one file asks for, in lower case as HTTP/2 has them. */

export const AUTHORITY = bytes(":authority");
export const METHOD = bytes(":method");
export const PATH = bytes(":path");
export const SCHEME = bytes(":scheme");
export const STATUS = bytes(":status");

export const ACCEPT = bytes("accept");
export const ACCEPT_ENCODING = bytes("accept-encoding");
export const ALLOW = bytes("allow");
export const AUTHORIZATION = bytes("authorization");
export const CONTENT_DIGEST = bytes("content-digest");
export const CONTENT_ENCODING = bytes("content-encoding");
export const CONTENT_LENGTH = bytes("content-length");
export const CONTENT_TYPE = bytes("content-type");
export const RETRY_AFTER = bytes("retry-after");
export const TE = bytes("te");
export const USER_AGENT = bytes("user-agent");
export const WWW_AUTHENTICATE = bytes("www-authenticate");

export const GRPC_ACCEPT_ENCODING = bytes("grpc-accept-encoding");
export const GRPC_ENCODING = bytes("grpc-encoding");
export const GRPC_MESSAGE = bytes("grpc-message");
export const GRPC_STATUS = bytes("grpc-status");
export const GRPC_STATUS_DETAILS = bytes("grpc-status-details-bin");
/** How long a gRPC client waits before it tries again (gRFC A6). */
export const GRPC_RETRY_PUSHBACK = bytes("grpc-retry-pushback-ms");

/** The task and the version of its model that a request is for. */
export const TASKID = bytes("taskid");
export const VERSION = bytes("version");

export const REQUEST_ID = bytes("x-request-id");
export const TRACEPARENT = bytes("traceparent");
/** Length of the JSON before the binary tensors of an Open Inference body. */
export const INFERENCE_HEADER_LENGTH = bytes("inference-header-content-length");
/** Envoy takes the timeout of a request from it, in milliseconds; 0: none. */
export const UPSTREAM_TIMEOUT = bytes("x-envoy-upstream-rq-timeout-ms");
