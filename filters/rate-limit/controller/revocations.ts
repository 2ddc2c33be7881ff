import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { setShared } from "../../sdk/host/shared-data";

const KEY = bytes("modelgate.revoked");

const value: ByteBuffer = new ByteBuffer();

/** Publishes the revoked credentials: u64 generation, then their SHA-256 digests, 32 bytes each. */
export function publishRevoked(generation: u64, digests: ByteBuffer): void {
  value.clear();
  value.reserve(8);
  store<u64>(value.ptr, generation);
  value.len = 8;
  value.append(digests.ptr, digests.len);
  setShared(KEY, value.ptr, value.len, 0);
}
