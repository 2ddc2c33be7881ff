import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, copyBytes, fnv1a } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { coarseSeconds } from "../../sdk/host/clock";
import { ModelDescription } from "./model-description";

/** The descriptions of models that this VM has asked for, each good for a while. */

/** Most of them; the oldest gives way. */
const MOST: i32 = 256;
/** A model may be loaded anew with other inputs: after that long it is asked again. */
const KEPT_SECONDS: i64 = 30;

const hashes = new StaticArray<u32>(MOST);
const keys: Bytes[] = [];
const descriptions: ModelDescription[] = [];
const times = new StaticArray<i64>(MOST);

const key: ByteBuffer = new ByteBuffer();

/** Makes `key` the name of a version of a model at a cluster. @returns its hash */
function setKey(cluster: Slice, model: ByteBuffer, version: ByteBuffer): u32 {
  key.clear();
  key.append(cluster.ptr, cluster.len);
  key.appendByte(Char.NULL);
  key.appendDecimal(model.len);
  key.appendByte(Char.SLASH);
  key.append(model.ptr, model.len);
  key.append(version.ptr, version.len);
  return fnv1a(key.ptr, key.len);
}

function indexOf(hash: u32): i32 {
  for (let i = 0; i < keys.length; i++) {
    if (unchecked(hashes[i]) == hash && keys[i].equals(key.ptr, key.len)) return i;
  }
  return -1;
}

/** @returns null when it is not known, or was learnt too long ago */
export function knownModel(cluster: Slice, model: ByteBuffer, version: ByteBuffer): ModelDescription | null {
  const index = indexOf(setKey(cluster, model, version));
  if (index < 0 || coarseSeconds() - times[index] > KEPT_SECONDS) return null;
  return descriptions[index];
}

/** Keeps what a model server said of a model. */
export function learnModel(
  cluster: Slice,
  model: ByteBuffer,
  version: ByteBuffer,
  description: ModelDescription,
): void {
  const hash = setKey(cluster, model, version);
  let index = indexOf(hash);
  if (index < 0) {
    index = keys.length < MOST ? keys.length : oldest();
    const own = copyBytes(key.ptr, key.len);
    if (index == keys.length) {
      keys.push(own);
      descriptions.push(description);
    } else keys[index] = own;
    hashes[index] = hash;
  }
  descriptions[index] = description;
  times[index] = coarseSeconds();
}

function oldest(): i32 {
  let index = 0;
  for (let i = 1; i < MOST; i++) if (times[i] < times[index]) index = i;
  return index;
}
