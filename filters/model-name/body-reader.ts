import { LONGEST_MODEL, ModelFault } from "../model-protocol/model-in-body";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { lowerCase } from "../sdk/bytes/chars";
import { MemberScanner, Scan, ValueKind } from "../sdk/bytes/member-scanner";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";

const MODEL = bytes("model");

/** Reads the model of one body as its bytes come. */
export class BodyReader extends StreamState {
  readonly scanner: MemberScanner = new MemberScanner();
  /** The headers wait for the model. */
  holding: bool = false;
  /** Bytes of the body that were read. */
  read: i32 = 0;
  /** The name is known: it is in `model`. */
  found: bool = false;
  readonly model: ByteBuffer = new ByteBuffer();
  modelStart: i64 = 0;
  modelEnd: i64 = 0;

  reset(): void {
    this.scanner.reset();
    this.holding = false;
    this.read = 0;
    this.found = false;
    this.model.clear();
  }

  /** Reads the next bytes of the body. @returns why it is refused, or None */
  add(ptr: usize, len: i32): ModelFault {
    const scanner = this.scanner;
    scanner.feed(ptr, len);
    while (true) {
      const scan = scanner.next();
      if (scan == Scan.More) return ModelFault.None;
      if (scan == Scan.Malformed) return ModelFault.Malformed;
      const fault = scan == Scan.Key ? this.key() : this.value();
      if (fault != ModelFault.None) return fault;
    }
  }

  /** The body is whole. @returns why it is refused, or None */
  end(): ModelFault {
    if (!this.scanner.done) return ModelFault.Malformed;
    return this.found ? ModelFault.None : ModelFault.Missing;
  }

  private key(): ModelFault {
    const key = this.scanner.key;
    if (!mayBeModel(key)) return ModelFault.None;
    if (this.found || !MODEL.equals(key.ptr, key.len)) return ModelFault.Ambiguous;
    this.scanner.keep(LONGEST_MODEL);
    return ModelFault.None;
  }

  private value(): ModelFault {
    const scanner = this.scanner;
    if (scanner.kind != ValueKind.String || scanner.clipped) return ModelFault.Missing;
    this.found = true;
    this.model.clear();
    this.model.append(scanner.text.ptr, scanner.text.len);
    this.modelStart = scanner.valueStart;
    this.modelEnd = scanner.valueEnd;
    return ModelFault.None;
  }

  release(): void {
    readers.release(this);
  }
}

/**
 * Would a server take the key for `model`? Some compare without case (Go's encoding/json), some stop at a
 * NUL.
 */
function mayBeModel(key: ByteBuffer): bool {
  if (key.len < MODEL.len || (key.len > MODEL.len && load<u8>(key.ptr + MODEL.len) != 0)) return false;
  for (let i: i32 = 0; i < MODEL.len; i++)
    if (lowerCase(load<u8>(key.ptr + i)) != load<u8>(MODEL.ptr + i)) return false;
  return true;
}

export const readers: StreamPool<BodyReader> = new StreamPool<BodyReader>();
