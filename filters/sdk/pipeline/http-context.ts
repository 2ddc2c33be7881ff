import { proxy_set_effective_context } from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes, bytes, startsWithIgnoreCase } from "../bytes/bytes";
import { AUTHORITY, CONTENT_TYPE, METHOD, PATH, TASKID, VERSION } from "../bytes/header-names";
import { Slice } from "../bytes/slice";
import { REQUEST_HEADERS } from "../host/abi";
import { Headers, setHeader } from "../host/headers";
import { getProperty, propertyValue, setFilterState } from "../host/properties";
import { CrossOrigin } from "./cross-origin";
import { LocalReply } from "./local-reply";
import { ModelCall } from "./model-call";
import { PipelineFacts } from "./pipeline-facts";
import { Principal, SEPARATOR } from "./principal";
import { StageTimes } from "./stage-times";
import { StreamState } from "./stream-state";

const GRPC_CONTENT_TYPE = bytes("application/grpc");
const PRINCIPAL_STATE = bytes("modelgate.principal");
/** What Envoy's own check behind the filter asks for: see tools/cluster/istio/native-check.ts. */
const PASSED_STATE = bytes("modelgate.passed");
const YES = bytes("1");
const REASON_STATE = bytes("modelgate.reason");
const WOULD_REFUSE_STATE = bytes("modelgate.would_refuse");
/** Two i64: `requestTensorBytes` and `responseTensorBytes`. */
const TENSOR_BYTES_STATE = bytes("modelgate.tensor_bytes");
const TENSOR_BYTES_LENGTH: i32 = 16;
const tensorBytes = memory.data(TENSOR_BYTES_LENGTH);

/**
 * One HTTP stream: what the stages of a pipeline learn about a request, each thing once. Reused for later
 * streams. Slices point into the fetched request headers unless said otherwise, and stay valid until the
 * stream ends.
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
  /** Does the caller speak OpenAI's API, and know its errors? */
  openAi: bool = false;

  /** Where the request goes, if it is not to be asked of Envoy. */
  cluster: Bytes | null = null;

  /** Who calls; null while nobody is authenticated. */
  principal: Principal | null = null;
  /** Stable machine-readable word for why the gateway refused the request; null when it did not. */
  reason: Bytes | null = null;
  /** As `reason`, of a dry run: the request went on all the same. */
  wouldRefuse: Bytes | null = null;
  /** The response is a local reply of a stage here. */
  replied: bool = false;
  /** The origin of the page that calls, where `crossOrigin` is not null. */
  readonly origin: Slice = new Slice();
  /** What a response says to a page of another origin; null: nothing. */
  crossOrigin: CrossOrigin | null = null;
  /** Bytes of gRPC, frames included, that a conversion sent to the model server and got from it. */
  requestTensorBytes: i64 = 0;
  responseTensorBytes: i64 = 0;
  /** What the call came to, where it is one to a language model whose tokens are counted. */
  readonly modelCall: ModelCall = new ModelCall();
  /** How long each stage was busy, where the plug-in is `timed`. */
  readonly times: StageTimes = new StageTimes();
  /** The host's id of this stream. */
  id: u32 = 0;
  /** The request has headers only. */
  endOfRequest: bool = false;

  /** Size of the chunk in the request body buffer, and how many bytes at its front were there before. */
  chunkBytes: i32 = 0;
  heldBytes: i32 = 0;

  private states: StaticArray<StreamState | null> = new StaticArray<StreamState | null>(0);

  constructor(public pipeline: PipelineFacts) {}

  /** Makes the context, new or released, ready for a new stream of `pipeline`. */
  reset(pipeline: PipelineFacts): void {
    this.pipeline = pipeline;
    this.reason = null;
    this.wouldRefuse = null;
    this.replied = false;
    this.grpc = false;
    this.openAi = false;
    this.authority.len = 0;
    this.method.len = 0;
    this.path.len = 0;
    this.taskid.len = 0;
    this.version.len = 0;
    this.taskids = 0;
    this.versions = 0;
    if (this.states.length < pipeline.stageCount) {
      this.states = new StaticArray<StreamState | null>(pipeline.stageCount);
    }
    this.heldBytes = 0;
    this.requestTensorBytes = 0;
    this.responseTensorBytes = 0;
    this.modelCall.reset();
    this.times.reset(pipeline.stageCount, pipeline.timed);
    this.headers.clear();
  }

  /** The stream is over: lets go of what belongs to its plug-in. */
  release(none: PipelineFacts): void {
    this.pipeline = none;
    this.principal = null;
    this.crossOrigin = null;
    this.cluster = null;
    for (let i = 0; i < this.states.length; i++) this.states[i] = null;
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

  /**
   * Makes the request one for this task, for the stages and for Envoy's routes.
   * @param cluster Envoy's name for where the task is served: it matches its routes anew only behind this
   * filter
   */
  nameTask(task: Bytes, cluster: Bytes | null): void {
    this.cluster = cluster;
    this.taskid.ptr = task.ptr;
    this.taskid.len = task.len;
    this.taskids = 1;
    setHeader(REQUEST_HEADERS, TASKID, task.ptr, task.len);
  }

  /** Makes the request one for this version of its task. */
  nameVersion(version: Bytes): void {
    this.version.ptr = version.ptr;
    this.version.len = version.len;
    this.versions = 1;
    setHeader(REQUEST_HEADERS, VERSION, version.ptr, version.len);
  }

  private readonly scratch: Slice = new Slice();

  /**
   * Notes who calls, for later stages here.
   * @param published whether other filters of the chain want to know too, if the pipeline is spread over
   *   several
   */
  authenticated(principal: Principal, published: bool): void {
    this.principal = principal;
    if (published && this.pipeline.handsOff)
      setFilterState(PRINCIPAL_STATE, principal.text.ptr, principal.text.len);
  }

  /** Lets a callback of no stream, such as a tick, make host calls for this one. */
  enter(): void {
    proxy_set_effective_context(this.id);
  }

  /** The request may go on to the model: Envoy refuses those that no filter says so of. */
  pass(): void {
    setFilterState(PASSED_STATE, YES.ptr, YES.len);
  }

  /**
   * Answers the request here: JSON to HTTP callers, a gRPC status to gRPC callers. Stop the stream
   * afterwards.
   */
  refuse(reply: LocalReply): void {
    this.reason = reply.reason;
    this.replied = true;
    reply.count();
    if (this.pipeline.handsOff) setFilterState(REASON_STATE, reply.reason.ptr, reply.reason.len);
    reply.send(this.grpc, this.openAi, this.crossOrigin, this.origin);
  }

  /** The response went out already: notes why it is an error all the same; the first reason counts. */
  noteFailure(reply: LocalReply): void {
    if (this.reason != null) return;
    this.reason = reply.reason;
    reply.count();
    if (this.pipeline.handsOff) setFilterState(REASON_STATE, reply.reason.ptr, reply.reason.len);
  }

  /** A dry run: notes why the request would have been refused; the first reason counts. */
  refuseDry(reply: LocalReply): void {
    if (this.wouldRefuse != null) return;
    this.wouldRefuse = reply.reason;
    reply.count();
    if (this.pipeline.handsOff) setFilterState(WOULD_REFUSE_STATE, reply.reason.ptr, reply.reason.len);
  }

  /** Sets `value` to the tenant that this filter, or one before it in the chain, authenticated. */
  findTenant(value: Slice): void {
    this.findPrincipal(value);
    value.len = min(value.len, this.tenantLength(value));
  }

  /** Sets `value` to the id of the credential that authenticated the tenant, here or in a filter before. */
  findCredential(value: Slice): void {
    this.findPrincipal(value);
    const skipped = min(value.len, this.tenantLength(value) + 1);
    value.ptr += skipped;
    value.len -= skipped;
  }

  /** Sets `value` to the tenant and the credential's id in one text; empty when nobody is authenticated. */
  findPrincipal(value: Slice): void {
    const principal = this.principal;
    this.findState(principal == null ? null : principal.text, PRINCIPAL_STATE, value);
  }

  private tenantLength(text: Slice): i32 {
    const principal = this.principal;
    if (principal != null) return principal.tenant.len;
    let length = 0;
    while (length < text.len && load<u8>(text.ptr + length) != SEPARATOR) length++;
    return length;
  }

  /** Sets `value` to why the request would have been refused but for a dry run. */
  findWouldRefuse(value: Slice): void {
    this.findState(this.wouldRefuse, WOULD_REFUSE_STATE, value);
  }

  /** Sets `value` to why this filter, or another of the chain, refused the request; empty when none did. */
  findReason(value: Slice): void {
    // A call to OpenAI's API has a filter in front that may refuse it: see filters/model-name.
    this.findState(this.reason, REASON_STATE, value, this.hasFilterBehind || this.openAi);
  }

  /** Tells filters before this one of its tensor bytes. */
  handOffTensorBytes(): void {
    if (!this.pipeline.handsOff) return;
    store<i64>(tensorBytes, this.requestTensorBytes);
    store<i64>(tensorBytes, this.responseTensorBytes, 8);
    setFilterState(TENSOR_BYTES_STATE, tensorBytes, TENSOR_BYTES_LENGTH);
  }

  /** Takes the tensor bytes of a filter behind this one, if there is one for the task. */
  takeTensorBytes(): void {
    if (!this.hasFilterBehind || getProperty(TENSOR_BYTES_STATE) != TENSOR_BYTES_LENGTH) return;
    this.requestTensorBytes = load<i64>(propertyValue());
    this.responseTensorBytes = load<i64>(propertyValue(), 8);
  }

  /** Is the task's own filter still missing from the listener that the request came by? */
  get lacksFilterBehind(): bool {
    const tasks = this.pipeline.filtersBehind;
    if (tasks == null) return false;
    const property = tasks.find(this.taskid.ptr, this.taskid.len);
    return property != null && getProperty(property) < 0;
  }

  private get hasFilterBehind(): bool {
    const tasks = this.pipeline.filtersBehind;
    return tasks != null && tasks.has(this.taskid.ptr, this.taskid.len);
  }

  private findState(own: Bytes | null, state: Bytes, value: Slice, handedOn: bool = false): void {
    value.len = 0;
    if (own != null) {
      value.ptr = own.ptr;
      value.len = own.len;
    } else if (handedOn || this.pipeline.handsOff) {
      value.len = max(getProperty(state), 0);
      value.ptr = propertyValue();
    }
  }
}
