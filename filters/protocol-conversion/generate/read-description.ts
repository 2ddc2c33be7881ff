import { Datatype, parseDatatype } from "../../model-protocol/datatype";
import { MessageReader } from "../../model-protocol/message-reader";
import { copyBytes } from "../../sdk/bytes/bytes";
import { readVarint, varint } from "../../sdk/bytes/protobuf";
import { MAX_RANK } from "../tensor/nesting";
import { MOST_INPUTS, ModelDescription, ModelInput } from "./model-description";

/** `ModelConfigResponse` and `ModelMetadataResponse` (proto/open_inference.proto) -> what a model takes. */

const CONFIG: i32 = 1;
const MAX_BATCH_SIZE: i32 = 4;
const CONFIG_INPUT: i32 = 5;
const TRANSACTION_POLICY: i32 = 19;
const DECOUPLED: i32 = 1;
const METADATA_INPUTS: i32 = 4;

/** Of an input in both messages. */
const NAME: i32 = 1;
const DATATYPE: i32 = 2;
const CONFIG_DIMS: i32 = 4;
const METADATA_SHAPE: i32 = 3;

/** By `DataType` of Triton's model configuration. */
const CONFIG_DATATYPES: StaticArray<Datatype> = [
  Datatype.Unknown,
  Datatype.BOOL,
  Datatype.UINT8,
  Datatype.UINT16,
  Datatype.UINT32,
  Datatype.UINT64,
  Datatype.INT8,
  Datatype.INT16,
  Datatype.INT32,
  Datatype.INT64,
  Datatype.FP16,
  Datatype.FP32,
  Datatype.FP64,
  Datatype.BYTES,
  Datatype.BF16,
];

const outer: MessageReader = new MessageReader();
const fields: MessageReader = new MessageReader();
const ofInput: MessageReader = new MessageReader();

/** Dimensions of the input at hand. */
const dims: StaticArray<i64> = new StaticArray<i64>(MAX_RANK);
let rank: i32 = 0;

/** Reads a `ModelConfigResponse`. @returns null when it is malformed, or beyond what a request may have */
export function readModelConfig(from: usize, to: usize): ModelDescription | null {
  const model = new ModelDescription();
  for (outer.start(from, to); outer.next(); ) {
    if (outer.isBytes(CONFIG) && !readConfig(model, outer.from, outer.to)) return null;
  }
  return outer.malformed ? null : model;
}

function readConfig(model: ModelDescription, from: usize, to: usize): bool {
  let batched = false;
  for (fields.start(from, to); fields.next(); ) {
    if (fields.isVarint(MAX_BATCH_SIZE)) batched = <i32>fields.value > 0;
    else if (fields.isBytes(TRANSACTION_POLICY)) model.decoupled = readDecoupled(fields.from, fields.to);
  }
  if (fields.malformed) return false;
  for (fields.start(from, to); fields.next(); ) {
    if (!fields.isBytes(CONFIG_INPUT)) continue;
    rank = 0;
    if (batched) addDimension(-1);
    if (!readInput(model, fields.from, fields.to, CONFIG_DIMS)) return false;
  }
  return true;
}

function readDecoupled(from: usize, to: usize): bool {
  let decoupled = false;
  for (ofInput.start(from, to); ofInput.next(); )
    if (ofInput.isVarint(DECOUPLED)) decoupled = ofInput.value != 0;
  return decoupled;
}

/** Reads a `ModelMetadataResponse`, which does not say whether the model is decoupled. @returns as above */
export function readModelMetadata(from: usize, to: usize): ModelDescription | null {
  const model = new ModelDescription();
  for (fields.start(from, to); fields.next(); ) {
    rank = 0;
    if (fields.isBytes(METADATA_INPUTS) && !readInput(model, fields.from, fields.to, METADATA_SHAPE))
      return null;
  }
  return fields.malformed ? null : model;
}

/** Reads an input, whose shape is the field `shape`, behind the dimensions that are there already. */
function readInput(model: ModelDescription, from: usize, to: usize, shape: i32): bool {
  let name: usize = 0;
  let nameLength = 0;
  let datatype = Datatype.Unknown;
  for (ofInput.start(from, to); ofInput.next(); ) {
    if (ofInput.isBytes(NAME)) {
      name = ofInput.from;
      nameLength = ofInput.length;
    } else if (ofInput.isVarint(DATATYPE)) {
      if (ofInput.value < <u64>CONFIG_DATATYPES.length) datatype = CONFIG_DATATYPES[<i32>ofInput.value];
    } else if (ofInput.isBytes(DATATYPE)) datatype = parseDatatype(ofInput.from, ofInput.length);
    else if (ofInput.isVarint(shape)) {
      if (!addDimension(<i64>ofInput.value)) return false;
    } else if (ofInput.isBytes(shape)) {
      for (let at = ofInput.from; at < ofInput.to; ) {
        at = readVarint(at, ofInput.to);
        if (at == 0 || !addDimension(<i64>varint)) return false;
      }
    }
  }
  if (ofInput.malformed || nameLength == 0 || datatype == Datatype.Unknown) return false;
  if (model.inputs.length == MOST_INPUTS) return false;
  const own = new StaticArray<i64>(rank);
  for (let i = 0; i < rank; i++) own[i] = dims[i];
  model.inputs.push(new ModelInput(copyBytes(name, nameLength), datatype, own));
  return true;
}

function addDimension(size: i64): bool {
  if (rank == MAX_RANK) return false;
  dims[rank++] = size;
  return true;
}
