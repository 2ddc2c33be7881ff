import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { VARINT } from "../../sdk/bytes/protobuf";
import { PieceSink, startRequestFrame } from "../body/piece-sink";
import { RequestReader } from "../body/request-reader";

const READY_FIELD: i32 = 2;
const READY = bytes("ready");
/** Longest body: it says one thing. */
const MAX_BODY: i32 = 64 * 1024;

const TOO_LONG = bytes("the body of a question for the index has at most 64 KiB");
const MALFORMED = bytes('the body must be a JSON object such as {"ready":true}');

const json: JsonScanner = new JsonScanner();
const key: ByteBuffer = new ByteBuffer();
const frame: ByteBuffer = new ByteBuffer();

/** JSON of the model repository extension's `index` -> `RepositoryIndexRequest`. */
export class IndexRequest extends RequestReader {
  private readonly body: ByteBuffer = new ByteBuffer();
  private ready: bool = false;

  reset(): void {
    this.error = null;
    this.errorOffset = -1;
    this.ready = false;
    this.body.clear();
  }

  parse(from: usize, to: usize): usize {
    if (this.body.len + <i32>(to - from) > MAX_BODY) {
      this.fail(TOO_LONG);
      return 0;
    }
    this.body.append(from, <i32>(to - from));
    return to;
  }

  finish(): bool {
    json.start(this.body.ptr, this.body.len);
    json.enterObject();
    while (json.nextMember(key)) {
      if (!READY.equals(key.ptr, key.len)) json.skip();
      else if (!json.takeNull()) this.ready = json.boolean();
    }
    if (!json.done) this.fail(MALFORMED);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    startRequestFrame(frame, this.ready ? 2 : 0);
    if (this.ready) {
      frame.appendByte(<u8>((READY_FIELD << 3) | VARINT));
      frame.appendByte(1);
    }
    sink.piece(frame.ptr, frame.len);
  }

  release(): void {
    this.body.clear();
  }

  appendPath(_out: ByteBuffer): void {}
}
