import { ByteBuffer } from "../bytes/byte-buffer";
import { Bytes, bytes, copyBytes, hexDigit } from "../bytes/bytes";
import { KEY_SIZE, NONCE_SIZE, openSealed, TAG_SIZE } from "../bytes/chacha20-poly1305";
import { environmentVariable } from "./environment";

/**
 * Secrets that stand in the plug-in configuration sealed (AEAD_CHACHA20_POLY1305), with a key that only the
 * gateway's pods have in their environment: one key, or a new one and those before it, 64 hexadecimal digits
 * each, with anything between them.
 */

const KEYS = bytes("MODELGATE_SEALING_KEY=");
const DIGITS: i32 = KEY_SIZE * 2;

const sealed: ByteBuffer = new ByteBuffer();
const key: usize = memory.data(32, 8);

/** @returns false when it is not hexadecimal, or too short to be a nonce, a secret and a tag */
export function readSealed(text: Bytes): bool {
  sealed.clear();
  for (let i: i32 = 0; i + 1 < text.len; i += 2) {
    const byte = byteOf(text.ptr + <usize>i);
    if (byte < 0) return false;
    sealed.appendByte(<u8>byte);
  }
  return text.len % 2 == 0 && sealed.len > NONCE_SIZE + TAG_SIZE;
}

/**
 * Opens what was read last.
 * @param purpose what it was sealed for: one credential's secret is no other's
 * @returns null when no key of the environment opens it
 */
export function openSecret(purpose: Bytes): Bytes | null {
  const keys = environmentVariable(KEYS);
  if (keys == null) return null;
  let secret: Bytes | null = null;
  const ptr = sealed.ptr + NONCE_SIZE;
  const len = sealed.len - NONCE_SIZE;
  for (let i: i32 = 0; i + DIGITS <= keys.len && secret == null; ) {
    if (!readKey(keys.ptr + <usize>i)) {
      i++;
      continue;
    }
    i += DIGITS;
    if (openSealed(key, sealed.ptr, purpose.ptr, purpose.len, ptr, len))
      secret = copyBytes(ptr, len - TAG_SIZE);
  }
  memory.fill(key, 0, KEY_SIZE);
  memory.fill(keys.ptr, 0, keys.len);
  memory.fill(sealed.ptr, 0, sealed.len);
  return secret;
}

function readKey(ptr: usize): bool {
  for (let i: i32 = 0; i < KEY_SIZE; i++) {
    const byte = byteOf(ptr + <usize>(i * 2));
    if (byte < 0) return false;
    store<u8>(key + <usize>i, <u8>byte);
  }
  return true;
}

function byteOf(ptr: usize): i32 {
  const high = hexDigit(load<u8>(ptr));
  const low = hexDigit(load<u8>(ptr + 1));
  return (high | low) < 0 ? -1 : (high << 4) | low;
}
