import "../../filters/sdk/host/abort";
import { clearFault, currentFault } from "../../filters/converter/fault";
import { Json, parseBody } from "../../filters/converter/json";
import { ByteBuffer } from "../../filters/sdk/bytes/byte-buffer";

/** A converter's reader of JSON, for fuzzing: asks of a body all that a converter may ask. */

const body: ByteBuffer = new ByteBuffer();
/** Parsers read words past the end of a body, and find zeros there. */
const SLACK: i32 = 32;

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export const NOT_JSON: i32 = -1;
export const FAULTY: i32 = -2;

/** @returns NOT_JSON, FAULTY for a body that is not what it is read as, else how many values were read */
export function readAll(ptr: usize, len: i32): i32 {
  clearFault();
  body.clear();
  body.append(ptr, len);
  body.reserve(SLACK);
  memory.fill(body.end, 0, SLACK);
  const json = parseBody(body);
  if (currentFault().length > 0) return NOT_JSON;
  const count = read(json, 0);
  __collect();
  return currentFault().length > 0 ? FAULTY : count;
}

function read(json: Json, depth: i32): i32 {
  if (!json.exists || json.isNull) return 1;
  const rows = json.get("rows");
  if (rows.exists) return read(rows, depth + 1) + read(json.get("more"), depth + 1);
  clearFault();
  const shape = json.shape();
  if (shape.length > 1 && shape[0] > 0 && shape[1] < 1000) {
    json.rowsOf(<i32>shape[1]);
    return json.floats().length + json.integers().length + json.doubles().length;
  }
  const items = json.items();
  if (shape.length == 1) {
    let count = 0;
    for (let i = 0; i < items.length; i++) {
      count += items[i].text().length;
      clearFault();
      if (items[i].number() != 0 || items[i].integer() != 0 || items[i].boolean()) count++;
      clearFault();
      if (depth < 8) count += read(items[i], depth + 1);
    }
    return count;
  }
  clearFault();
  return json.text().length;
}
