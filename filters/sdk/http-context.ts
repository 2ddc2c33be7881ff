import { proxy_set_effective_context } from "@solo-io/proxy-runtime/assembly/imports";
import { REQUEST_HEADERS } from "./abi";
import { Bytes, bytes, startsWithIgnoreCase } from "./bytes";
import { Headers, Slice } from "./headers";
import { LocalReply } from "./local-reply";
import { Plugin } from "./plugin";
import { getProperty, propertyValue, setFilterState } from "./properties";
import { StreamState } from "./stage";

const AUTHORITY = bytes(":authority");
const METHOD = bytes(":method");
const PATH = bytes(":path");
const TASKID = bytes("taskid");
const VERSION = bytes("version");
const CONTENT_TYPE = bytes("content-type");
const GRPC_CONTENT_TYPE = bytes("application/grpc");
const TENANT_STATE = bytes("modelgate.tenant");
const REASON_STATE = bytes("modelgate.reason");

/**
 * One HTTP stream: what the stages of a pipeline learn about a request, each thing once. Reused for later streams.
 * Slices point into the fetched request headers unless said otherwise, and stay valid until the stream ends.
 */
export class HttpContext {
  readonly headers: Headers = new Headers();
  readonly authority: Slice = new Slice();
  readonly method: Slice = new Slice();
  /** Path and query as the client sent them, whatever a stage makes of `:path`. */
  readonly path: Slice = new Slice();
  readonly taskid: Slice = new Slice();
  readonly version: Slice = new Slice();
  /** How many `taskid` and `version` headers there are. */
  taskids: i32 = 0;
  versions: i32 = 0;
  /** Is the caller a gRPC client? */
  grpc: bool = false;

  /** Name of the authenticated tenant; null while nobody is. */
  tenant: Bytes | null = null;
  /** Stable machine-readable word for why the gateway refused the request; null when it did not. */
  reason: Bytes | null = null;
  /** The response is a local reply of a stage here. */
  replied: bool = false;

  private states: StaticArray<StreamState | null> = new StaticArray<StreamState | null>(0);

  /** The host's id of the stream. */
  id: u32 = 0;

  constructor(public plugin: Plugin) {}

  /** Makes this stream the one that host calls act on: for callbacks that belong to no stream, such as callout replies. */
  makeEffective(): void {
    proxy_set_effective_context(this.id);
  }

  /** Makes the context ready for a new stream of `plugin`. */
  reset(plugin: Plugin): void {
    this.plugin = plugin;
    this.tenant = null;
    this.reason = null;
    this.replied = false;
    this.grpc = false;
    this.authority.len = 0;
    this.method.len = 0;
    this.path.len = 0;
    this.taskid.len = 0;
    this.version.len = 0;
    this.taskids = 0;
    this.versions = 0;
    if (this.states.length < plugin.stages.length) {
      this.states = new StaticArray<StreamState | null>(plugin.stages.length);
    }
    for (let i = 0; i < this.states.length; i++) this.states[i] = null;
    this.headers.clear();
  }

  state(slot: i32): StreamState | null {
    return this.states[slot];
  }

  setState(slot: i32, state: StreamState | null): void {
    this.states[slot] = state;
  }

  /** Fetches the request headers and takes from them what stages share. */
  readRequestHeaders(): void {
    const headers = this.headers;
    const value = this.scratch;
    headers.fetch(REQUEST_HEADERS);
    headers.find(AUTHORITY, this.authority);
    headers.find(METHOD, this.method);
    headers.find(PATH, this.path);
    this.taskids = headers.find(TASKID, this.taskid);
    this.versions = headers.find(VERSION, this.version);
    headers.find(CONTENT_TYPE, value);
    this.grpc = startsWithIgnoreCase(value.ptr, value.len, GRPC_CONTENT_TYPE);
  }
  private readonly scratch: Slice = new Slice();

  /** Notes the authenticated tenant, for later stages here and in other filters of the chain. */
  authenticated(tenant: Bytes): void {
    this.tenant = tenant;
    if (this.plugin.handsOff) setFilterState(TENANT_STATE, tenant.ptr, tenant.len);
  }

  /** Answers the request here: JSON to HTTP callers, a gRPC status to gRPC callers. Return STOP afterwards. */
  refuse(reply: LocalReply): void {
    this.reason = reply.reason;
    this.replied = true;
    if (this.plugin.handsOff) setFilterState(REASON_STATE, reply.reason.ptr, reply.reason.len);
    reply.send(this.grpc);
  }

  /** Sets `value` to the tenant that this filter, or one before it in the chain, authenticated. */
  findTenant(value: Slice): void {
    this.findState(this.tenant, TENANT_STATE, value);
  }

  /** Sets `value` to why this filter, or another of the chain, refused the request; empty when none did. */
  findReason(value: Slice): void {
    this.findState(this.reason, REASON_STATE, value);
  }

  private findState(own: Bytes | null, state: Bytes, value: Slice): void {
    value.len = 0;
    if (own != null) {
      value.ptr = own.ptr;
      value.len = own.len;
    } else if (this.plugin.handsOff) {
      value.len = max(getProperty(state), 0);
      value.ptr = propertyValue();
    }
  }
}
