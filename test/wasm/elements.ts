import "../../filters/sdk/host/abort";
import { Datatype } from "../../filters/model-protocol/datatype";
import { SlabChain } from "../../filters/protocol-conversion/body/slabs";
import {
  commaTaken,
  elementError,
  elementsRead,
  readElements,
} from "../../filters/protocol-conversion/tensor/read-elements";
import { writeElements } from "../../filters/protocol-conversion/tensor/write-elements";

const chain: SlabChain = new SlabChain();
let used: i32 = 0;

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** Copies what was written to `out`. @returns how long it is */
function take(out: usize): i32 {
  let length = 0;
  for (let slab = chain.firstSlab; slab != 0; slab = chain.firstSlab) {
    const part = chain.slabLength(slab);
    memory.copy(out + length, chain.slabData(slab), part);
    length += part;
    chain.releaseFirst();
  }
  return length;
}

/** Reads [ptr, ptr + len) into `out`. @returns the length of the elements, -1 when one is at fault */
export function read(datatype: Datatype, ptr: usize, len: i32, out: usize): i32 {
  used = <i32>(readElements(datatype, ptr, ptr + len, chain) - ptr);
  const length = take(out);
  return elementError == null ? length : -1;
}

/** Bytes that the last `read` used, how many elements it found, and whether a comma behind them was taken. */
export function bytesUsed(): i32 {
  return used;
}

export function elementCount(): i32 {
  return elementsRead;
}

export function tookComma(): bool {
  return commaTaken;
}

/** Writes the elements of [ptr, ptr + len) as JSON to `out`. @returns the length of the text */
export function write(datatype: Datatype, ptr: usize, len: i32, out: usize): i32 {
  writeElements(datatype, ptr, ptr + len, true, chain);
  return take(out);
}
