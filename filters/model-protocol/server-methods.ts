import { Bytes, bytes } from "../sdk/bytes/bytes";
import { queryStart } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { Operation, parseRoute } from "./route";

/** What a request does at a model server: it calls a model, asks about the server, or changes the server. */
export enum Access {
  Model,
  /** Tells of all models of the server: configuration, statistics, the repository's index. */
  Inspection,
  /** Loads and unloads, registers shared memory, sets what is traced or logged. */
  Management,
}

const INFERENCE = bytes("/inference.GRPCInferenceService/");
const REPOSITORY = bytes("/inference.model_repository.ModelRepositoryService/");
const RELOAD = bytes("/tensorflow.serving.ModelService/HandleReloadConfigRequest");

/** Methods of the Open Inference Protocol that call models; the most frequent first. */
const OF_MODELS: Bytes[] = [
  bytes("ModelInfer"),
  bytes("ModelStreamInfer"),
  bytes("ModelReady"),
  bytes("ModelMetadata"),
  bytes("ServerLive"),
  bytes("ServerReady"),
  bytes("ServerMetadata"),
];
const REPOSITORY_INDEX = bytes("RepositoryIndex");
const OF_INSPECTION: Bytes[] = [bytes("ModelConfig"), bytes("ModelStatistics"), REPOSITORY_INDEX];

const REST = bytes("/v2/");
const REST_ENDS: Bytes[] = [bytes("/config"), bytes("/stats"), bytes("/repository/index")];

/**
 * What a request with this path does, over gRPC or HTTP. Methods of the Open Inference Protocol's service
 * that are not known here count as management; so do not the paths of HTTP, which a conversion refuses.
 */
export function accessOf(path: Slice): Access {
  if (startsWith(path, INFERENCE)) {
    if (isOneOf(path, INFERENCE.len, OF_MODELS)) return Access.Model;
    return isOneOf(path, INFERENCE.len, OF_INSPECTION) ? Access.Inspection : Access.Management;
  }
  if (startsWith(path, REST)) return isInspection(path) ? Access.Inspection : Access.Model;
  if (startsWith(path, REPOSITORY)) {
    const index = REPOSITORY_INDEX.equals(path.ptr + REPOSITORY.len, path.len - REPOSITORY.len);
    return index ? Access.Inspection : Access.Management;
  }
  return RELOAD.equals(path.ptr, path.len) ? Access.Management : Access.Model;
}

function startsWith(path: Slice, prefix: Bytes): bool {
  return path.len >= prefix.len && prefix.equals(path.ptr, prefix.len);
}

/** Is what follows `from` bytes of the path one of these names? */
function isOneOf(path: Slice, from: i32, names: Bytes[]): bool {
  for (let i = 0; i < names.length; i++) if (names[i].equals(path.ptr + from, path.len - from)) return true;
  return false;
}

/** Most paths are told by how they end; the others are read. */
function isInspection(path: Slice): bool {
  const length = queryStart(path);
  for (let i = 0; i < REST_ENDS.length; i++) {
    const end = REST_ENDS[i];
    if (length < end.len || !end.equals(path.ptr + length - end.len, end.len)) continue;
    const operation = parseRoute(path);
    return (
      operation == Operation.ModelConfig ||
      operation == Operation.ModelStatistics ||
      operation == Operation.RepositoryIndex
    );
  }
  return false;
}
