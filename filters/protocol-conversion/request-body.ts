import { OVERLOADED } from "../model-protocol/common-replies";
import { Char } from "../sdk/bytes/chars";
import { REQUEST_BODY } from "../sdk/host/abi";
import { bufferData, readBuffer, replaceBody } from "../sdk/host/body";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { sink } from "./body/body-sink";
import { closeWindow, MAX_TOKEN, openWindow, view } from "./body/input-window";
import { SLAB_SIZE, SlabChain, slabBytesHeld } from "./body/slabs";
import { Conversion } from "./conversion";
import { TRUNCATED } from "./json/faults";
import { BINARY_LENGTH, malformedRequest } from "./replies";
import { RawContents } from "./tensor/raw-contents";

/**
 * Converts a chunk of `size` bytes that lies in the request body buffer. @returns what the request is refused
 * with, or null. The buffer then holds what goes on to the model: nothing before the whole JSON is there.
 */
export function convertRequestChunk(
  conversion: Conversion,
  size: i32,
  endOfStream: bool,
  maxMemoryBytes: i64,
): LocalReply | null {
  let offset = 0;
  if (!conversion.begun) {
    const held = conversion.heldBytes;
    const before = conversion.received - (size - held);
    offset = held + <i32>min<i64>(size - held, conversion.jsonBytes - before);
    const last = conversion.received >= conversion.jsonBytes || endOfStream;
    const refusal = readJson(conversion, held, offset, last, maxMemoryBytes);
    if (refusal != null) return refusal;
    if (conversion.jsonIsCounted && conversion.received < conversion.jsonBytes && last) return BINARY_LENGTH;
    if (!last) {
      conversion.heldBytes = <i32>conversion.mayHaveTrailers;
      replaceBody(REQUEST_BODY, HELD_BYTE, conversion.heldBytes);
      return null;
    }
    if (!conversion.raw && !finishJson(conversion)) return malformedRequest(conversion.request);
  }
  const contents = conversion.contents;
  if (!conversion.takesBinary) {
    sink.replace(REQUEST_BODY);
    conversion.request.write(sink);
    conversion.request.release();
    return null;
  }
  if (!passBinary(conversion, contents, offset, size)) return BINARY_LENGTH;
  return endOfStream && !contents.complete ? BINARY_LENGTH : null;
}

const HELD_BYTE = memory.data<u8>([Char.SPACE]);

/**
 * Parses [offset, size) of the buffer; `last` when no JSON follows. A little more of a long token is only put
 * aside until it is worth another look at the token: else a token in tiny chunks would be read again for each
 * of them.
 */
function readJson(
  conversion: Conversion,
  offset: i32,
  size: i32,
  last: bool,
  maxMemoryBytes: i64,
): LocalReply | null {
  const request = conversion.request;
  const carry = conversion.carry;
  const fresh = size - offset;
  if (!last && conversion.unread + fresh < carry.len >> 3 && carry.len + fresh <= MAX_TOKEN) {
    const read = readBuffer(REQUEST_BODY, offset, fresh);
    carry.append(bufferData(), read);
    conversion.unread += read;
    return null;
  }
  while (offset < size || conversion.unread > 0) {
    const read = openWindow(REQUEST_BODY, offset, size, carry);
    if (read == 0 && conversion.unread == 0) break;
    conversion.unread = 0;
    const rest = request.parse(view.start, view.end);
    if (rest == 0 || !closeWindow(rest, carry)) return malformedRequest(request);
    // A tensor takes a slab however small it is: many of them in one chunk must not get past the limit.
    if (slabBytesHeld() > maxMemoryBytes) return OVERLOADED;
    offset += read;
  }
  return null;
}

function finishJson(conversion: Conversion): bool {
  const request = conversion.request;
  const finished = request.finish();
  if (finished && conversion.carry.len > 0) request.error = TRUNCATED;
  if (finished) conversion.requestRead();
  return request.error == null;
}

/** Binary data of one chunk on their way to the model, where tags must come between them. */
const gathered: SlabChain = new SlabChain();

/** Lets the bytes from `offset` go on as binary data. @returns false when there are too many */
function passBinary(conversion: Conversion, contents: RawContents, offset: i32, size: i32): bool {
  if (conversion.begun && size <= contents.binaryLeft) {
    sink.extend(REQUEST_BODY);
    contents.binaryWritten(size, sink);
    return true;
  }
  while (offset < size) {
    const read = readBuffer(REQUEST_BODY, offset, min(size - offset, SLAB_SIZE));
    if (read == 0) break;
    gathered.append(bufferData(), read);
    offset += read;
  }
  sink.replace(REQUEST_BODY);
  if (!conversion.begun) contents.begin(sink);
  conversion.begun = true;
  conversion.heldBytes = 0;
  for (let slab = gathered.firstSlab; slab != 0; slab = gathered.firstSlab) {
    let at = gathered.slabData(slab);
    let left = gathered.slabLength(slab);
    while (left > 0) {
      const part = <i32>min<i64>(left, contents.binaryLeft);
      if (part == 0) {
        gathered.release();
        return false;
      }
      sink.piece(at, part);
      contents.binaryWritten(part, sink);
      at += part;
      left -= part;
    }
    gathered.releaseFirst();
  }
  sink.finish();
  return true;
}
