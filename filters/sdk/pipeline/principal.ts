import { ByteBuffer } from "../bytes/byte-buffer";
import { Bytes, copyBytes } from "../bytes/bytes";
import { Char } from "../bytes/chars";

/** Whom a credential stands for: made when a plug-in is configured. */
export class Principal {
  /**
   * Tenant and credential, a line feed between them: the form in which filters of a chain tell each other.
   */
  readonly text: Bytes;

  constructor(
    readonly tenant: Bytes,
    /** Id of the credential. */
    readonly credential: Bytes,
  ) {
    scratch.clear();
    scratch.appendBytes(tenant);
    scratch.appendByte(SEPARATOR);
    scratch.appendBytes(credential);
    this.text = copyBytes(scratch.ptr, scratch.len);
  }
}

/** Stands between the two parts of `Principal.text`; no name holds it. */
export const SEPARATOR: u8 = Char.LF;

const scratch: ByteBuffer = new ByteBuffer();
