import { faultReply, MODEL_STATE, ModelFault } from "../../model-protocol/model-in-body";
import {
  behindBase,
  hasModelInBody,
  modelOfPath,
  OpenAiOperation,
  openAiOperation,
} from "../../model-protocol/openai-path";
import { appendPercentDecoded } from "../../model-protocol/percent";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { AUTHORIZATION, PATH, UPSTREAM_TIMEOUT } from "../../sdk/bytes/header-names";
import { NameTable } from "../../sdk/bytes/name-table";
import { Slice } from "../../sdk/bytes/slice";
import { REQUEST_HEADERS } from "../../sdk/host/abi";
import { setHeader } from "../../sdk/host/headers";
import { getProperty, propertyValue } from "../../sdk/host/properties";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { LanguageModel } from "./language-model";
import * as reply from "./replies";

const GET = bytes("GET");
const HEAD = bytes("HEAD");
const POST = bytes("POST");

/**
 * The tenant's language models by the names that callers write. What it says of a request holds until the
 * next one.
 */
export class LanguageModels {
  readonly all: LanguageModel[] = [];
  private readonly byName: NameTable<LanguageModel> = new NameTable<LanguageModel>();
  private readonly byTask: NameTable<LanguageModel> = new NameTable<LanguageModel>();
  /** The model that the request is for; null: none of these. */
  private called: LanguageModel | null = null;
  /** The version in the name that was found last; null: none. */
  private version: Bytes | null = null;
  /** Does the request ask which models there are? */
  isQuestion: bool = false;

  /** @returns a name that is there already, or null */
  add(model: LanguageModel): Bytes | null {
    this.all.push(model);
    if (!this.byTask.add(model.taskid, model)) return model.taskid;
    for (let i = 0; i < model.names.length; i++)
      if (!this.byName.add(model.names[i], model)) return model.names[i];
    return null;
  }

  /**
   * Makes a call to OpenAI's API one for the task of the model that its body names. Requests that name a task
   * of another protocol are left alone. @returns why the request is for no task, or null
   */
  nameTask(http: HttpContext): LocalReply | null {
    this.called = null;
    this.isQuestion = false;
    if (http.taskids > 1 || http.grpc) return null;
    let ofHeader: LanguageModel | null = null;
    if (http.taskids == 1) ofHeader = this.byTask.find(http.taskid.ptr, http.taskid.len);
    if (http.taskids == 1 && ofHeader == null) return null;
    const operation = openAiOperation(http.path);
    if (operation == OpenAiOperation.None && ofHeader == null) return null;
    http.openAi = true;
    const method = http.method;
    if (hasModelInBody(operation) && POST.equals(method.ptr, method.len))
      return this.readState(http, ofHeader);
    const isRead = GET.equals(method.ptr, method.len) || HEAD.equals(method.ptr, method.len);
    this.isQuestion = operation >= OpenAiOperation.Models && isRead;
    return this.isQuestion ? null : reply.PATH_NOT_PASSED;
  }

  /** Takes what model-name.wasm found in the body. */
  private readState(http: HttpContext, ofHeader: LanguageModel | null): LocalReply | null {
    const len = getProperty(MODEL_STATE);
    if (len <= 0) return reply.MODEL_UNREAD;
    const ptr = propertyValue();
    const fault = load<u8>(ptr);
    if (fault != <u8>ModelFault.None) return faultReply(<ModelFault>fault);
    const called = this.find(ptr + 1, len - 1);
    if (called == null) return reply.MODEL_NOT_FOUND;
    if (ofHeader != null && ofHeader != called) return reply.TASK_DISAGREES;
    const version = this.version;
    if (version != null) {
      if (http.versions > 0 && !version.equals(http.version.ptr, http.version.len))
        return reply.TASK_DISAGREES;
      http.nameVersion(version);
    }
    http.nameTask(called.taskid, called.cluster);
    this.called = called;
    return null;
  }

  /** The model of a name, with or without a version behind a colon, which goes to `version`. */
  private find(name: usize, len: i32): LanguageModel | null {
    this.version = null;
    const whole = this.byName.find(name, len);
    if (whole != null) return whole;
    let colon = len - 1;
    while (colon >= 0 && load<u8>(name + colon) != Char.COLON) colon--;
    if (colon < 0) return null;
    const model = this.byName.find(name, colon);
    if (model == null) return null;
    this.version = model.version(name + colon + 1, len - colon - 1);
    return this.version == null ? null : model;
  }

  /** Of a question: is it about one model, such as /v1/models/llama? That is then `askedName`. */
  asksOne(http: HttpContext): bool {
    if (openAiOperation(http.path) != OpenAiOperation.Model) return false;
    modelOfPath(http.path, name);
    decoded.clear();
    appendPercentDecoded(decoded, name.ptr, name.len);
    return true;
  }

  get askedName(): ByteBuffer {
    return decoded;
  }

  /** The model of `askedName`; null for an unknown one. */
  get asked(): LanguageModel | null {
    return this.find(decoded.ptr, decoded.len);
  }

  /** Gives the request the model server's path and key. @returns why it can't, or null */
  makeUpstream(http: HttpContext): LocalReply | null {
    const called = this.called;
    if (called == null) return null;
    if (called.isLocked) return reply.MODEL_SERVER_KEY_LOCKED;
    const basePath = called.basePath;
    if (basePath == null) return null;
    // An answer is generated as long as the model likes, whether or not it comes as a stream.
    if (openAiOperation(http.path) != OpenAiOperation.Embeddings)
      setHeader(REQUEST_HEADERS, UPSTREAM_TIMEOUT, called.streamTimeout.ptr, called.streamTimeout.len);
    decoded.clear();
    decoded.appendBytes(basePath);
    decoded.append(behindBase.ptr, behindBase.len);
    if (decoded.len != http.path.len || memory.compare(decoded.ptr, http.path.ptr, decoded.len) != 0)
      setHeader(REQUEST_HEADERS, PATH, decoded.ptr, decoded.len);
    const authorization = called.authorization;
    if (authorization != null)
      setHeader(REQUEST_HEADERS, AUTHORIZATION, authorization.ptr, authorization.len);
    return null;
  }
}

const name: Slice = new Slice();
const decoded: ByteBuffer = new ByteBuffer();
