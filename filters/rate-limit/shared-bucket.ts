import { Bytes } from "../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/host/shared-data";
import { charge, fill, refill, STATE_SIZE, take, Windows } from "./token-bucket";

/**
 * A token bucket in shared data: one for all VMs of the Envoy process, and for those that come after them.
 */

/** Another VM wins a race at most this often before the request counts as refused. */
const ATTEMPTS = 16;

const state: usize = memory.data(STATE_SIZE);

function readState(key: Bytes): u32 {
  const length = getShared(key);
  if (length == STATE_SIZE) memory.copy(state, sharedValue(), STATE_SIZE);
  else fill(state);
  return sharedVersion();
}

/** The present state of the bucket at `key`, until the next call; nothing is taken. */
export function sharedLevels(key: Bytes, windows: Windows, now: u64): usize {
  readState(key);
  refill(state, windows, now);
  return state;
}

/** `take` of token-bucket.ts, on the bucket at `key`. */
export function takeShared(
  key: Bytes,
  windows: Windows,
  now: u64,
  need: f64,
  wanted: f64,
  reserve: f64,
  largestReserve: f64,
): f64 {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const version = readState(key);
    refill(state, windows, now);
    const taken = take(state, windows, need, wanted, reserve, largestReserve);
    if (taken < 0 || setShared(key, state, STATE_SIZE, version)) return taken;
  }
  return -1;
}

/** `charge` of token-bucket.ts, on the bucket at `key`. */
export function chargeShared(key: Bytes, windows: Windows, now: u64, tokens: f64): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const version = readState(key);
    refill(state, windows, now);
    charge(state, windows, tokens);
    if (setShared(key, state, STATE_SIZE, version)) return;
  }
}
