import { faultReply, MODEL_STATE, ModelFault } from "../model-protocol/model-in-body";
import { hasModelInBody, OpenAiOperation, openAiOperation } from "../model-protocol/openai-path";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { CONTENT_ENCODING, PATH } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_HEADERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { getHeader, headerValue } from "../sdk/host/headers";
import { setFilterState } from "../sdk/host/properties";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Stage } from "../sdk/pipeline/stage";
import { askUsage } from "./ask-usage";
import { BodyReader, readers } from "./body-reader";
import { PIECE_BYTES, pieceData, readPiece } from "./pieces";
import { replaceModel } from "./replace-model";
import { readSettings, Settings } from "./settings";

const POST = bytes("POST");
const IDENTITY = bytes("identity");

/** Bytes that streams of this VM hold back. */
let heldBytes: i64 = 0;

/**
 * Finds the model of a call to OpenAI's API in its body and tells gateway.wasm, which stands behind it, in
 * filter state. The headers wait until the model is known; then headers and body go on, and are read on to
 * their end: a second model is refused before the last byte is on its way. Faults that show while headers
 * wait are told to gateway.wasm, which authenticates first.
 */
export class ModelName extends Stage {
  private settings: Settings = new Settings();

  get key(): string {
    return "modelName";
  }

  get isApart(): bool {
    return true;
  }

  configure(config: Config): void {
    this.settings = readSettings(config);
  }

  passesUnread(): bool {
    value.len = max(getHeader(REQUEST_HEADERS, PATH), 0);
    value.ptr = headerValue();
    return !hasModelInBody(openAiOperation(value));
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    if (!POST.equals(http.method.ptr, http.method.len)) return HeadersAction.CONTINUE;
    if (!this.hasCredential(http)) return HeadersAction.CONTINUE;
    if (isEncoded(http)) return tell(ModelFault.Encoded);
    if (endOfStream) return tell(ModelFault.Malformed);
    http.openAi = true;
    const reader = readers.take();
    reader.reset();
    reader.holding = true;
    http.setState(this.slot, reader);
    return HeadersAction.HOLD;
  }

  /** Is there anything that gateway.wasm may take for a credential? Nobody else's bytes are held. */
  private hasCredential(http: HttpContext): bool {
    const settings = this.settings;
    if (settings.hasOtherCredentials) return true;
    const headers = settings.credentialHeaders;
    for (let i = 0; i < headers.length; i++)
      if (http.headers.find(headers[i], value) > 0 && value.len > 0) return true;
    return false;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const reader = <BodyReader | null>http.state(this.slot);
    if (reader == null) return BodyAction.CONTINUE;
    const start = reader.holding ? reader.read : 0;
    let fault = ModelFault.None;
    for (let at = start; at < size && fault == ModelFault.None; at += PIECE_BYTES) {
      const len = readPiece(at, size - at);
      fault = reader.add(pieceData(), len);
    }
    if (endOfStream && fault == ModelFault.None) fault = reader.end();
    if (!reader.holding) return this.passOn(http, reader, fault, endOfStream);
    const added = size - reader.read;
    reader.read = size;
    heldBytes += added;
    if (fault == ModelFault.None) {
      const needed: i64 = reader.found ? reader.modelEnd : size;
      if (needed > this.settings.maxBodyBytes) fault = ModelFault.TooLarge;
      else if (!reader.found) {
        if (heldBytes <= this.settings.maxHeldBytes) return BodyAction.STOP_AND_BUFFER;
        fault = ModelFault.Overloaded;
      }
    }
    this.letGo(http, reader, fault);
    return BodyAction.CONTINUE;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    const reader = <BodyReader | null>http.state(this.slot);
    if (reader == null) return TrailersAction.CONTINUE;
    const fault = reader.end();
    if (!reader.holding)
      return this.passOn(http, reader, fault, true) == BodyAction.CONTINUE
        ? TrailersAction.CONTINUE
        : TrailersAction.STOP;
    this.letGo(http, reader, fault);
    return TrailersAction.CONTINUE;
  }

  /** The headers went on before: a fault ends the request, of which the model server never gets all. */
  private passOn(http: HttpContext, reader: BodyReader, fault: ModelFault, isEnd: bool): BodyAction {
    if (fault == ModelFault.None) {
      if (isEnd && this.counts(reader)) tellCall(reader);
      return BodyAction.CONTINUE;
    }
    this.forget(http);
    http.refuse(faultReply(fault));
    return BodyAction.STOP_NO_BUFFER;
  }

  /** The headers go on, with what is known of the model. */
  private letGo(http: HttpContext, reader: BodyReader, fault: ModelFault): void {
    reader.holding = false;
    heldBytes -= reader.read;
    if (fault != ModelFault.None) {
      this.forget(http);
      tell(fault);
      return;
    }
    const model = reader.model;
    state.clear();
    state.appendByte(<u8>ModelFault.None);
    state.append(model.ptr, model.len);
    setFilterState(MODEL_STATE, state.ptr, state.len);
    const served = this.settings.served.find(model.ptr, model.len);
    if (served != null) replaceModel(reader, served);
    if (!this.counts(reader)) return;
    const facts = reader.facts;
    // Of what comes later `stream` may be, and `stream_options`.
    const mayAsk = reader.scanner.done && facts.streams && !reader.hasStreamOptions;
    if (mayAsk && hasStreamOptions(openAiOperation(http.path))) facts.asksUsage = askUsage();
    tellCall(reader);
  }

  /** Does gateway.wasm count the tokens of the model? */
  private counts(reader: BodyReader): bool {
    return this.settings.counted.has(reader.model.ptr, reader.model.len);
  }

  private forget(http: HttpContext): void {
    const reader = http.state(this.slot);
    if (reader == null) return;
    http.setState(this.slot, null);
    reader.release();
  }

  onDone(http: HttpContext): void {
    const reader = <BodyReader>http.state(this.slot);
    if (reader.holding) heldBytes -= reader.read;
    this.forget(http);
  }
}

/** Tells gateway.wasm what is known of the call's cost. */
function tellCall(reader: BodyReader): void {
  reader.facts.whole = reader.scanner.done;
  reader.facts.tell();
}

/** Has the operation the member `stream_options`? */
function hasStreamOptions(operation: OpenAiOperation): bool {
  return operation == OpenAiOperation.ChatCompletions || operation == OpenAiOperation.Completions;
}

/** Tells gateway.wasm why there is no model; it refuses the request, and says so to callers that it knows. */
function tell(fault: ModelFault): HeadersAction {
  state.clear();
  state.appendByte(<u8>fault);
  setFilterState(MODEL_STATE, state.ptr, state.len);
  return HeadersAction.CONTINUE;
}

function isEncoded(http: HttpContext): bool {
  if (http.headers.find(CONTENT_ENCODING, value) == 0 || value.len == 0) return false;
  return !IDENTITY.equals(value.ptr, value.len);
}

const state: ByteBuffer = new ByteBuffer();
const value: Slice = new Slice();
