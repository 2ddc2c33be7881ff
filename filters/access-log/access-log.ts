import { ByteBuffer } from "../sdk/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes";
import { Config } from "../sdk/config";
import { Slice } from "../sdk/headers";
import { HttpContext } from "../sdk/http-context";
import { appendJsonString } from "../sdk/json-text";
import { setFilterState } from "../sdk/properties";
import { cutQueryParameter } from "../sdk/query-parameter";
import { Stage } from "../sdk/stage";

const LOG_STATE = bytes("modelgate.log");
const USER_AGENT = bytes("user-agent");
const REQUEST_ID = bytes("x-request-id");

const AUTHORITY_FIELD = bytes(',"authority":');
const METHOD_FIELD = bytes(',"method":');
const PATH_FIELD = bytes(',"path":');
const USER_AGENT_FIELD = bytes(',"user_agent":');
const REQUEST_ID_FIELD = bytes(',"request_id":');
const TENANT_FIELD = bytes(',"tenant":');
const TASKID_FIELD = bytes(',"taskid":');
const VERSION_FIELD = bytes(',"version":');
const CREDENTIAL_FIELD = bytes(',"credential":');
const REASON_FIELD = bytes(',"reason":');
const WOULD_REFUSE_FIELD = bytes(',"would_refuse":');

/** Longest value in a line, in bytes before escaping. */
const VALUE_LIMIT: i32 = 512;

const line: ByteBuffer = new ByteBuffer();
const value: Slice = new Slice();

/**
 * The part of an access log line that the client wrote or the filters know, as a fragment of a JSON object in filter
 * state `modelgate.log`. Envoy's file access logger splices it into the line with what Envoy knows, so a line costs
 * one host call. Client bytes are escaped here because Envoy's text format does not.
 */
export class AccessLog extends Stage {
  get key(): string {
    return "accessLog";
  }

  /** Query parameters whose values no line shows. */
  private redacted: Bytes[] = [];

  configure(config: Config): void {
    const names = config.texts("redactedParameters");
    this.redacted = [];
    for (let i = 0; i < names.length; i++) this.redacted.push(bytes(names[i]));
  }

  onLog(http: HttpContext): void {
    for (let i = 0; i < this.redacted.length; i++) cutQueryParameter(http.path, this.redacted[i], value);
    line.clear();
    appendField(AUTHORITY_FIELD, http.authority);
    appendField(METHOD_FIELD, http.method);
    appendField(PATH_FIELD, http.path);
    http.headers.find(USER_AGENT, value);
    appendField(USER_AGENT_FIELD, value);
    http.headers.find(REQUEST_ID, value);
    appendField(REQUEST_ID_FIELD, value);
    http.findTenant(value);
    appendField(TENANT_FIELD, value);
    http.findCredential(value);
    appendField(CREDENTIAL_FIELD, value);
    appendField(TASKID_FIELD, http.taskid);
    appendField(VERSION_FIELD, http.version);
    http.findReason(value);
    appendField(REASON_FIELD, value);
    http.findWouldRefuse(value);
    appendField(WOULD_REFUSE_FIELD, value);
    setFilterState(LOG_STATE, line.ptr, line.len);
  }
}

function appendField(name: Bytes, field: Slice): void {
  if (field.len == 0) return;
  line.appendBytes(name);
  appendJsonString(line, field.ptr, field.len, VALUE_LIMIT);
}
