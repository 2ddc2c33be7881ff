import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { NameTable } from "../sdk/bytes/name-table";
import { getProperty, propertyPath, propertyValue } from "../sdk/host/properties";

/**
 * What a client certificate says of its owner, in the order in which it is asked; fields of the configuration
 * too.
 */
export const CERTIFICATE_FIELDS: string[] = ["uri", "dns", "subject", "sha256"];

/** Envoy's connection attributes. */
const PROPERTIES: Bytes[] = [
  propertyPath("connection.uri_san_peer_certificate"),
  propertyPath("connection.dns_san_peer_certificate"),
  propertyPath("connection.subject_peer_certificate"),
  propertyPath("connection.sha256_peer_certificate_digest"),
];

const key: ByteBuffer = new ByteBuffer();

/** Name of a certificate's owner in the table of identities: the field's number, then its value. */
export function certificateKey(field: i32, value: string): Bytes {
  return bytes(String.fromCharCode(Char._0 + field) + value);
}

/**
 * Index of the credential that the peer's certificate proves. Envoy has verified the certificate if its TLS
 * context says so; it costs one host call for each field that some credential uses.
 * @param fields bit f: some credential is known by CERTIFICATE_FIELDS[f]
 * @returns -1 when there is none
 */
export function findByCertificate(identities: NameTable<i32>, fields: u32): i32 {
  for (let field = 0; field < PROPERTIES.length; field++) {
    if (((fields >> field) & 1) == 0) continue;
    const len = getProperty(PROPERTIES[field]);
    if (len <= 0) continue;
    key.clear();
    key.appendByte(Char._0 + <u8>field);
    key.append(propertyValue(), len);
    const found = identities.findOr(key.ptr, key.len, -1);
    if (found >= 0) return found;
  }
  return -1;
}
