import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, hexDigit } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { utf8SequenceLength } from "../sdk/bytes/json-text";
import { Slice } from "../sdk/bytes/slice";

/** What a REST path asks for. Each has a row in filters/protocol-conversion/operations.ts. */
export enum Operation {
  None,
  ServerMetadata,
  ServerLive,
  ServerReady,
  ModelMetadata,
  ModelReady,
  /** Questions about the server that need a permission of their own: see server-methods.ts. */
  ModelConfig,
  ModelStatistics,
  RepositoryIndex,
  /** What changes the server or what it logs; no gateway passes it. */
  Management,
  ModelStatus,
  SignatureMetadata,
  Infer,
  /** Triton's generate extension. */
  Generate,
  GenerateStream,
  Predict,
  Classify,
  Regress,
  /** OpenAI's API, of a task whose model server speaks the Open Inference Protocol. */
  ChatCompletions,
  Completions,
  Embeddings,
  /** How many there are: new ones go before it. */
  Count,
}

const OPEN_INFERENCE = bytes("/v2");
const TENSORFLOW_SERVING = bytes("/v1/models/");
const LABELS = bytes("/labels/");
const METADATA = bytes("/metadata");
const PREDICT = bytes(":predict");
const CLASSIFY = bytes(":classify");
const REGRESS = bytes(":regress");
const HEALTH_LIVE = bytes("/health/live");
const HEALTH_READY = bytes("/health/ready");
const MODELS = bytes("/models/");
const VERSIONS = bytes("/versions/");
const INFER = bytes("/infer");
const GENERATE = bytes("/generate");
const GENERATE_STREAM = bytes("/generate_stream");
const READY = bytes("/ready");
const CONFIG = bytes("/config");
const STATS = bytes("/stats");
const ALL_STATS = bytes("/models/stats");
const REPOSITORY = bytes("/repository/");
const INDEX = bytes("index");
const TRACE = bytes("/trace");
const LOGGING = bytes("/logging");
const SYSTEM_MEMORY = bytes("/systemsharedmemory");
const CUDA_MEMORY = bytes("/cudasharedmemory");
const SLASH = bytes("/");

/** Names of a path, percent-decoded; empty when it has none. */
class RouteNames {
  readonly model: ByteBuffer = new ByteBuffer();
  readonly version: ByteBuffer = new ByteBuffer();
  /** Is `version` a label of TensorFlow Serving, and not a number? */
  versionIsLabel: bool = false;
}

/** What the last `parseRoute` found. */
export const route: RouteNames = new RouteNames();

let at: usize = 0;
let end: usize = 0;

/**
 * Which operation a path is, a query aside:
 *
 *     /v2   /v2/health/live   /v2/health/ready   /v2/models/stats   /v2/repository/index
 *     /v2/models/{model}[/versions/{version}][/ready|/infer|/generate|/generate_stream|/config|/stats]
 *     /v1/models/{model}[/versions/{version}|/labels/{label}][/metadata|:predict|:classify|:regress]
 */
export function parseRoute(path: Slice): Operation {
  at = path.ptr;
  end = path.ptr;
  while (end < path.ptr + path.len && load<u8>(end) != Char.QUESTION) end++;
  route.model.clear();
  route.version.clear();
  route.versionIsLabel = false;
  if (take(TENSORFLOW_SERVING)) return tensorflowServing();
  return take(OPEN_INFERENCE) ? openInference() : Operation.None;
}

function tensorflowServing(): Operation {
  if (!segment(route.model, true)) return Operation.None;
  if (take(VERSIONS)) {
    if (!segment(route.version, true) || !isNumber(route.version)) return Operation.None;
  } else if (take(LABELS)) {
    route.versionIsLabel = true;
    if (!segment(route.version, true)) return Operation.None;
  }
  if (rest(PREDICT)) return Operation.Predict;
  if (rest(CLASSIFY)) return Operation.Classify;
  if (rest(REGRESS)) return Operation.Regress;
  if (rest(METADATA)) return Operation.SignatureMetadata;
  return atEnd() ? Operation.ModelStatus : Operation.None;
}

/** Is it a version of TensorFlow Serving, an int64? */
function isNumber(name: ByteBuffer): bool {
  for (let i = 0; i < name.len; i++) if (load<u8>(name.ptr + i) - Char._0 >= 10) return false;
  return name.len < 19;
}

function openInference(): Operation {
  if (atEnd() || rest(SLASH)) return Operation.ServerMetadata;
  if (rest(HEALTH_LIVE)) return Operation.ServerLive;
  if (rest(HEALTH_READY)) return Operation.ServerReady;
  if (rest(ALL_STATS)) return Operation.ModelStatistics;
  if (take(REPOSITORY)) return rest(INDEX) ? Operation.RepositoryIndex : Operation.Management;
  if (isManagement()) return Operation.Management;
  if (!take(MODELS) || !segment(route.model)) return Operation.None;
  if (take(VERSIONS) && !segment(route.version)) return Operation.None;
  if (rest(INFER)) return Operation.Infer;
  if (rest(GENERATE)) return Operation.Generate;
  if (rest(GENERATE_STREAM)) return Operation.GenerateStream;
  if (rest(READY)) return Operation.ModelReady;
  if (rest(CONFIG)) return Operation.ModelConfig;
  if (rest(STATS)) return Operation.ModelStatistics;
  if (isPart(TRACE)) return Operation.Management;
  return atEnd() ? Operation.ModelMetadata : Operation.None;
}

function isManagement(): bool {
  return isPart(TRACE) || isPart(LOGGING) || isPart(SYSTEM_MEMORY) || isPart(CUDA_MEMORY);
}

/** Is what is left of the path `text`, or something below it? */
function isPart(text: Bytes): bool {
  const left = <i32>(end - at);
  if (left < text.len || !text.equals(at, text.len)) return false;
  return left == text.len || load<u8>(at + text.len) == Char.SLASH;
}

function atEnd(): bool {
  return at == end;
}

/** Is this all that is left of the path? */
function rest(text: Bytes): bool {
  return text.equals(at, <i32>(end - at));
}

/** Takes `text` if it comes next. */
function take(text: Bytes): bool {
  if (<i32>(end - at) < text.len || !text.equals(at, text.len)) return false;
  at += text.len;
  return true;
}

/**
 * Takes a path segment, or what of it stands before a verb, and percent-decodes it.
 * @returns false when it is empty or no UTF-8
 */
function segment(name: ByteBuffer, verb: bool = false): bool {
  while (at < end) {
    const c = load<u8>(at);
    if (c == Char.SLASH || (verb && c == Char.COLON)) break;
    if (c == Char.PERCENT) {
      if (end - at < 3) return false;
      const high = hexDigit(load<u8>(at + 1));
      const low = hexDigit(load<u8>(at + 2));
      if (high < 0 || low < 0) return false;
      name.appendByte(<u8>((high << 4) | low));
      at += 3;
    } else {
      name.appendByte(c);
      at++;
    }
  }
  for (let i: usize = name.ptr; i < name.end; ) {
    const length = utf8SequenceLength(i, name.end);
    if (length == 0) return false;
    i += length;
  }
  return name.len > 0;
}
