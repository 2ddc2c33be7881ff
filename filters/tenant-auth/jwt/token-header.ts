import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { TOKEN_ALGORITHM, TOKEN_MALFORMED } from "../replies";
import { Algorithm, algorithmOf } from "./algorithms";

const ALG = bytes("alg");
const KID = bytes("kid");
const CRIT = bytes("crit");
const B64 = bytes("b64");

const json: JsonScanner = new JsonScanner();
const key: ByteBuffer = new ByteBuffer();
const text: ByteBuffer = new ByteBuffer();

/** The JOSE header of a token (RFC 7515, section 4). One object, for one token after the other. */
export class TokenHeader {
  algorithm: Algorithm = Algorithm.None;
  readonly kid: ByteBuffer = new ByteBuffer();
  /** Does it name its key? */
  kidNamed: bool = false;

  /**
   * Reads the JSON [ptr, ptr + len). `crit` and an unencoded payload (RFC 7797) ask for what nobody here
   * understands.
   * @returns null when the header is good, else why not
   */
  read(ptr: usize, len: i32): LocalReply | null {
    let algs = 0;
    this.kidNamed = false;
    this.kid.clear();
    this.algorithm = Algorithm.None;
    json.start(ptr, len);
    json.enterObject();
    while (json.nextMember(key)) {
      if (is(ALG)) {
        algs++;
        json.string(text);
        this.algorithm = algorithmOf(text.ptr, text.len);
      } else if (is(KID)) {
        if (this.kidNamed) return TOKEN_MALFORMED;
        this.kidNamed = true;
        json.string(this.kid);
      } else if (is(CRIT) || is(B64)) return TOKEN_MALFORMED;
      else json.skip();
    }
    if (!json.done || algs != 1) return TOKEN_MALFORMED;
    return this.algorithm == Algorithm.None ? TOKEN_ALGORITHM : null;
  }
}

function is(name: Bytes): bool {
  return name.equals(key.ptr, key.len);
}
