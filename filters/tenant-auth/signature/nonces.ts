import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { getSharedAt, setSharedAt, sharedValue, sharedVersion } from "../../sdk/host/shared-data";

/**
 * Nonces that were used within the window of accepted timestamps, for the whole Envoy process: buckets in
 * shared data, each a run of (16 bytes of a hash, u64 second at which it may be forgotten). What is expired
 * goes when its bucket is written to. Each signer has buckets of its own: who sends more nonces than they
 * hold shuts out nobody else.
 */

const BUCKETS: u32 = 8192;
const HASH_SIZE: i32 = 16;
const RECORD: i32 = HASH_SIZE + 8;
const MOST_IN_BUCKET: i32 = 128;
/** Another VM wins a race for a bucket at most this often before the request is refused. */
const ATTEMPTS = 16;

export enum Nonce {
  Fresh,
  Used,
  /** The bucket holds as many nonces as it may: more requests than the window can tell apart. */
  Full,
}

const PREFIX = bytes("modelgate.nonce.");
const key: ByteBuffer = new ByteBuffer();
const bucket: ByteBuffer = new ByteBuffer();

/**
 * Notes a nonce of a signer by its hash, 16 bytes or more.
 * @param forget second since 1970 until which it must be known
 * @param now the present one
 */
export function useNonce(signer: Slice, hash: usize, forget: i64, now: i64): Nonce {
  key.clear();
  key.appendBytes(PREFIX);
  key.append(signer.ptr, signer.len);
  key.appendByte(Char.SLASH);
  key.appendDecimal(load<u32>(hash, 8) % BUCKETS);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const length = getSharedAt(key.ptr, key.len);
    const version = sharedVersion();
    bucket.clear();
    for (let at: i32 = 0; at + RECORD <= length; at += RECORD) {
      const record = sharedValue() + at;
      if (load<i64>(record, HASH_SIZE) < now) continue;
      if (load<u64>(record) == load<u64>(hash) && load<u64>(record, 8) == load<u64>(hash, 8))
        return Nonce.Used;
      bucket.append(record, RECORD);
    }
    if (bucket.len >= MOST_IN_BUCKET * RECORD) return Nonce.Full;
    bucket.append(hash, HASH_SIZE);
    bucket.reserve(8);
    store<i64>(bucket.end, forget);
    bucket.len += 8;
    if (setSharedAt(key.ptr, key.len, bucket.ptr, bucket.len, version)) return Nonce.Fresh;
  }
  return Nonce.Full;
}
