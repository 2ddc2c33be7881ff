/**
 * How long the JSON before binary data may become: that is announced before a byte of the model's reply is
 * there, and filled up with spaces. What a model's replies took before tells.
 */

const ROOMS: i32 = 256;
/** Hashes of models' names. */
const models = new StaticArray<u32>(ROOMS);
/** Bytes; 0 where nothing is known. */
const rooms = new StaticArray<i32>(ROOMS);

const LARGEST_ROOM: i32 = 1024 * 1024;
const SPARE: i32 = 512;

/** Bytes of room for a model whose name has this hash; `first` while it is not known. */
export function roomOf(model: u32, first: i32): i32 {
  const at = <i32>(model % ROOMS);
  return models[at] == model && rooms[at] > 0 ? rooms[at] : first;
}

/** `needed` bytes were needed: the next reply has room for those and some more. */
export function learnRoom(model: u32, needed: i32): void {
  const at = <i32>(model % ROOMS);
  const known = models[at] == model ? rooms[at] : 0;
  if (needed <= known && needed > known / 4) return;
  models[at] = model;
  rooms[at] = min(needed + needed / 4 + SPARE, LARGEST_ROOM);
}
