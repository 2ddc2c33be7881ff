import { directNextAllocation } from "../sdk/host/arena";
import { bufferData, readBuffer } from "../sdk/host/body";
import { countBuffered, Exchange } from "./exchange";

/** Parsers read words past the end of a body, and find zeros there. */
const SLACK: i32 = 32;

/** Takes the new bytes of a body chunk of `size` bytes: those behind the held ones. */
export function gather(exchange: Exchange, bufferType: i32, size: i32): void {
  const body = exchange.body;
  const wanted = size - exchange.heldBytes;
  body.reserve(wanted + SLACK);
  if (wanted > 0) {
    directNextAllocation(body.end, wanted);
    const read = readBuffer(bufferType, exchange.heldBytes, wanted);
    directNextAllocation(0, 0);
    if (read > 0 && bufferData() != body.end) memory.copy(body.end, bufferData(), read);
    body.len += read;
    countBuffered(read);
  }
  memory.fill(body.end, 0, SLACK);
}
