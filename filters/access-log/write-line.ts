import { Operation, parseRoute, route } from "../model-protocol/route";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, startsWith } from "../sdk/bytes/bytes";
import { REQUEST_ID, TRACEPARENT, USER_AGENT } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { HttpContext } from "../sdk/pipeline/http-context";
import { CalledModel } from "./called-model";
import { writeEnvoyValue } from "./envoy-values";
import { Field, LAST_OF_ENVOY } from "./fields";
import { LineWriter } from "./line-writer";
import { Member } from "./member";
import { findAskedModel, writeModelCall } from "./model-call-values";
import { Settings } from "./read-config";
import { narrowToTraceId } from "./trace-id";

const HIDDEN = bytes("[redacted]");
const NONE = bytes("");
const ALLOWED = bytes("allowed");
const REFUSED = bytes("refused");
const WOULD_REFUSE = bytes("would_refuse");
/**
 * How reasons start that tell of the model server or of its reply, for requests that the gateway let through.
 */
const OF_MODEL = bytes("model_");
const OF_UPSTREAM = bytes("upstream_");
const OF_CONVERTER = bytes("converter_failed");

const value: Slice = new Slice();
const reason: Slice = new Slice();
const wouldRefuse: Slice = new Slice();

/**
 * Writes the line of a stream that is over.
 * @param decided the request came to the filters; else nobody decided on it
 * @param slot place of the log stage, whose own time is not known
 */
export function writeLine(
  line: LineWriter,
  settings: Settings,
  http: HttpContext,
  decided: bool,
  slot: i32,
): void {
  const members = settings.members;
  http.findReason(reason);
  http.findWouldRefuse(wouldRefuse);
  http.takeTensorBytes();
  line.begin();
  for (let i = 0; i < members.length; i++) {
    const member = unchecked(members[i]);
    if (member.field <= LAST_OF_ENVOY) writeEnvoyValue(line, member, http, settings.hostname);
    else if (member.field < Field.RequestTensorBytes) {
      find(member.field, settings, http, decided, slot);
      if (member.hidden && value.len > 0) line.text(member, HIDDEN.ptr, HIDDEN.len);
      else line.text(member, value.ptr, value.len);
    } else if (member.field == Field.Phases) writePhases(line, member, http, slot);
    else {
      const ofRequest = member.field == Field.RequestTensorBytes;
      const tensorBytes = ofRequest ? http.requestTensorBytes : http.responseTensorBytes;
      if (tensorBytes > 0) line.number(member, tensorBytes);
    }
  }
  if (http.modelCall.answered) writeModelCall(line, settings.modelMembers, http.modelCall);
  line.end();
}

/** Sets `value` to the text of a field that the client wrote or the filters know. */
function find(field: Field, settings: Settings, http: HttpContext, decided: bool, slot: i32): void {
  switch (field) {
    case Field.Authority: {
      set(http.authority);
      break;
    }
    case Field.Method: {
      set(http.method);
      break;
    }
    case Field.Path: {
      set(http.path);
      break;
    }
    case Field.UserAgent: {
      http.headers.find(USER_AGENT, value);
      break;
    }
    case Field.RequestId: {
      http.headers.find(REQUEST_ID, value);
      break;
    }
    case Field.TraceId: {
      http.headers.find(TRACEPARENT, value);
      narrowToTraceId(value);
      break;
    }
    case Field.Gateway: {
      setBytes(settings.gateway);
      break;
    }
    case Field.Tenant: {
      http.findTenant(value);
      break;
    }
    case Field.Credential: {
      http.findCredential(value);
      break;
    }
    case Field.Taskid: {
      set(http.taskid);
      break;
    }
    case Field.Version: {
      set(http.version);
      break;
    }
    case Field.Model: {
      const called = http.state(slot);
      if (called != null) setBuffer(changetype<CalledModel>(called).name);
      else if (http.openAi) findAskedModel(value);
      else if (parseRoute(http.path) != Operation.None) setBuffer(route.model);
      else value.len = 0;
      break;
    }
    case Field.Decision: {
      setBytes(decided ? decision() : NONE);
      break;
    }
    case Field.Reason: {
      set(reason);
      break;
    }
    default:
      set(wouldRefuse);
  }
}

function set(slice: Slice): void {
  value.ptr = slice.ptr;
  value.len = slice.len;
}

function setBytes(text: Bytes): void {
  value.ptr = text.ptr;
  value.len = text.len;
}

function setBuffer(text: ByteBuffer): void {
  value.ptr = text.ptr;
  value.len = text.len;
}

function decision(): Bytes {
  const passed = tellsOf(OF_MODEL) | tellsOf(OF_UPSTREAM) | tellsOf(OF_CONVERTER);
  if (reason.len > 0 && !passed) return REFUSED;
  return wouldRefuse.len > 0 ? WOULD_REFUSE : ALLOWED;
}

function tellsOf(prefix: Bytes): bool {
  return startsWith(reason.ptr, reason.len, prefix);
}

function writePhases(line: LineWriter, member: Member, http: HttpContext, slot: i32): void {
  const names = http.pipeline.phaseNames;
  line.beginPhases(member);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (name != null && i != slot) line.phase(name, http.times.of(i));
  }
  line.endPhases();
}
