import { REQUEST_BODY } from "../sdk/host/abi";
import { directNextAllocation } from "../sdk/host/arena";
import { bufferData, readBuffer } from "../sdk/host/body";

export const PIECE_BYTES: i32 = 65536;
/** Parsers may read words past the end. */
const SLACK: i32 = 16;
const piece: usize = memory.data(PIECE_BYTES + SLACK, 16);

/** Where `readPiece` put what it read. */
export function pieceData(): usize {
  return bufferData();
}

/**
 * Reads up to PIECE_BYTES bytes of the body into memory that all streams share. @returns how many there are
 */
export function readPiece(start: i32, length: i32): i32 {
  directNextAllocation(piece, PIECE_BYTES + SLACK);
  const len = readBuffer(REQUEST_BODY, start, min(length, PIECE_BYTES));
  directNextAllocation(0, 0);
  return len;
}
