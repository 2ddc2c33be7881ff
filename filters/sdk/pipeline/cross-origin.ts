import { Bytes, bytes } from "../bytes/bytes";
import { Slice } from "../bytes/slice";
import { RESPONSE_HEADERS } from "../host/abi";
import { HeaderPairs, setHeader } from "../host/headers";

const ALLOW_ORIGIN = bytes("access-control-allow-origin");
const ALLOW_CREDENTIALS = bytes("access-control-allow-credentials");
const EXPOSE_HEADERS = bytes("access-control-expose-headers");
const VARY = bytes("vary");

const TRUE = bytes("true");
const ORIGIN = bytes("origin");
/** What scripts read of a response beside the few headers that they always may. */
const EXPOSED = bytes(
  "retry-after, ratelimit, ratelimit-policy, www-authenticate, x-request-id, inference-header-content-length, grpc-status, grpc-message, grpc-status-details-bin",
);

/** What responses say to a browser whose page is of another origin (Fetch Standard, section 3.3). */
export class CrossOrigin {
  constructor(
    /** May the page's requests carry cookies or certificates? */
    readonly credentials: bool,
  ) {}

  /** Sets the headers of a response that goes through this filter. */
  set(origin: Slice): void {
    setHeader(RESPONSE_HEADERS, ALLOW_ORIGIN, origin.ptr, origin.len);
    setText(EXPOSE_HEADERS, EXPOSED);
    if (this.credentials) setText(ALLOW_CREDENTIALS, TRUE);
    setText(VARY, ORIGIN);
  }

  /** Adds the headers to those of a reply that a stage makes. */
  addTo(headers: HeaderPairs, origin: Slice): void {
    headers.add(ALLOW_ORIGIN, origin.ptr, origin.len);
    headers.add(EXPOSE_HEADERS, EXPOSED.ptr, EXPOSED.len);
    if (this.credentials) headers.add(ALLOW_CREDENTIALS, TRUE.ptr, TRUE.len);
    headers.add(VARY, ORIGIN.ptr, ORIGIN.len);
  }
}

function setText(name: Bytes, text: Bytes): void {
  setHeader(RESPONSE_HEADERS, name, text.ptr, text.len);
}
