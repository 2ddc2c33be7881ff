import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";

/** Accounts of one process: more are served when others have not been used for a while. */
const MOST_BYTES: i32 = 1024 * 1024;
const ATTEMPTS: i32 = 64;

const blob: ByteBuffer = new ByteBuffer();

/**
 * The accounts that a process has to do with, since shared data can't say what keys it has: u16 length and
 * name of each, in one value.
 */
function keyOf(gateway: string): string {
  return `modelgate.budgets.${gateway}`;
}

/** Adds an account. */
export function listBudget(gateway: string, name: usize, len: i32): void {
  const key = bytes(keyOf(gateway));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const length = getShared(key);
    const version = sharedVersion();
    blob.clear();
    if (length > 0) blob.append(sharedValue(), length);
    if (placeOf(name, len) >= 0 || blob.len > MOST_BYTES) return;
    blob.reserve(2);
    store<u16>(blob.end, <u16>len);
    blob.len += 2;
    blob.append(name, len);
    if (setShared(key, blob.ptr, blob.len, version)) return;
  }
}

/** Takes an account out. */
export function unlistBudget(gateway: string, name: usize, len: i32): void {
  const key = bytes(keyOf(gateway));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const length = getShared(key);
    const version = sharedVersion();
    if (length <= 0) return;
    blob.clear();
    blob.append(sharedValue(), length);
    const at = placeOf(name, len);
    if (at < 0) return;
    const next = at + 2 + len;
    memory.copy(blob.ptr + at, blob.ptr + next, blob.len - next);
    blob.len -= 2 + len;
    if (setShared(key, blob.ptr, blob.len, version)) return;
  }
}

/** Copies the list to `out`. */
export function readBudgetNames(gateway: string, out: ByteBuffer): void {
  out.clear();
  const length = getShared(bytes(keyOf(gateway)));
  if (length > 0) out.append(sharedValue(), length);
}

/** @returns where the name's entry is in the blob, -1 when it is not there */
function placeOf(name: usize, len: i32): i32 {
  for (let at: i32 = 0; at < blob.len; ) {
    const found = <i32>load<u16>(blob.ptr + at);
    if (found == len && memory.compare(blob.ptr + at + 2, name, len) == 0) return at;
    at += 2 + found;
  }
  return -1;
}
