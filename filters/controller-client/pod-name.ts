import { Bytes, bytes, copyBytes } from "../sdk/bytes";
import { getProperty, propertyPath, propertyValue } from "../sdk/properties";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/shared-data";
import { random_get } from "../sdk/wasi_snapshot_preview1";

const NODE_ID = propertyPath("node.id");
const KEY = bytes("modelgate.pod");
const DIGITS = "0123456789abcdef";
const RANDOM_BYTES: i32 = 8;

const random: usize = memory.data(8);

/**
 * The name that this Envoy process reports under: the configured one, else the pod of Envoy's node id (the whole id when it
 * is not of Istio's form), else a random one.
 */
export function podName(configured: string): Bytes {
  if (configured.length > 0) return bytes(configured);
  const length = getProperty(NODE_ID);
  if (length > 0) return podOf(propertyValue(), length);
  random_get(random, RANDOM_BYTES);
  let name = "envoy-";
  for (let i = 0; i < RANDOM_BYTES; i++) {
    const byte = load<u8>(random + i);
    name += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
  }
  const own = bytes(name);
  let held = getShared(KEY);
  if (held < 0 && setShared(KEY, own.ptr, own.len, sharedVersion())) return own;
  held = getShared(KEY);
  return held > 0 ? copyBytes(sharedValue(), held) : own;
}

/** Istio's node ids are `type~address~pod.namespace~domain` (istio.io/istio, pkg/model/proxy.go): the pod's name in one. */
function podOf(id: usize, len: i32): Bytes {
  let tildes = 0;
  let from = 0;
  let end = len;
  for (let i = 0; i < len; i++) {
    if (load<u8>(id + i) != 0x7e) continue;
    tildes++;
    if (tildes == 2) from = i + 1;
    else if (tildes == 3) end = i;
  }
  if (tildes != 3) return copyBytes(id, len);
  let dot = end - 1;
  while (dot > from && load<u8>(id + dot) != 0x2e) dot--;
  return dot > from ? copyBytes(id + from, dot - from) : copyBytes(id, len);
}
