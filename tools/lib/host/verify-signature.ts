import { createPublicKey, verify } from "node:crypto";

/**
 * Envoy's foreign function `verify_signature`, with OpenSSL: RSA with PKCS #1 v1.5 padding, or ECDSA.
 * @param args serialised VerifySignatureArguments
 * @returns serialised VerifySignatureResult; undefined for arguments that Envoy calls bad
 */
export function verifySignature(args: Uint8Array): Uint8Array | undefined {
  const fields = readFields(Buffer.from(args));
  const [hash, key, signature, text] = [1, 2, 3, 4].map((field) => fields.get(field) ?? Buffer.alloc(0));
  if (!hash || !key || !signature || !text) return undefined;
  try {
    const publicKey = createPublicKey({ key, format: "der", type: "spki" });
    return verify(hash.toString(), text, publicKey, signature) ? Buffer.of(8, 1) : Buffer.of(0x12, 1, 0x78);
  } catch {
    return undefined;
  }
}

/** Length-delimited fields of a protobuf message by number. */
function readFields(message: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const field = varint() >> 3;
    const length = varint();
    fields.set(field, message.subarray(at, at + length));
    at += length;
  }
  return fields;
}
