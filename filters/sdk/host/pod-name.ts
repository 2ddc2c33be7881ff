import { Bytes, bytes, copyBytes } from "../bytes/bytes";
import { getProperty, propertyPath, propertyValue } from "./properties";
import { getShared, setShared, sharedValue, sharedVersion } from "./shared-data";
import { random_get } from "./wasi_snapshot_preview1";

const NODE_ID = propertyPath("xds.node.id");
const KEY = bytes("modelgate.pod");
const DIGITS = "0123456789abcdef";
const RANDOM_BYTES: i32 = 8;

const random: usize = memory.data(8);

/**
 * The name that this Envoy process reports under: the configured one, else that of its node, else a random
 * one.
 */
export function podName(configured: string): Bytes {
  if (configured.length > 0) return bytes(configured);
  const length = getProperty(NODE_ID);
  if (length > 0) return bytes(podOfNode(String.UTF8.decodeUnsafe(propertyValue(), length)));
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

/**
 * Istio's node ids are `<type>~<ip>~<pod>.<namespace>~<domain>` (ServiceNode of pilot/pkg/model/context.go);
 * the controller knows gateways' pods by the names that Kubernetes gives them. Other ids are names as they
 * are.
 */
function podOfNode(id: string): string {
  const parts = id.split("~");
  if (parts.length != 4) return id;
  const dot = parts[2].lastIndexOf(".");
  return dot > 0 ? parts[2].substring(0, dot) : parts[2];
}
