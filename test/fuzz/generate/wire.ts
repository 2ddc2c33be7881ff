import type { Random } from "../../support/mutate.ts";

/** Protocol Buffers on the wire, taken apart and put together wrongly. */

interface Field {
  tag: number;
  /** Tag, length and content as they stood. */
  content: Buffer;
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function readVarint(bytes: Buffer, at: number): [value: number, next: number] | undefined {
  let value = 0;
  for (let i = 0; i < 10 && at + i < bytes.length; i++) {
    const byte = bytes[at + i] as number;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return [value, at + i + 1];
  }
  return undefined;
}

/** The fields of a message, undefined when the bytes are none. */
function fields(bytes: Buffer): Field[] | undefined {
  const found: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (!tag || tag[0] >> 3 === 0) return undefined;
    const type = tag[0] & 7;
    let [, from] = tag;
    let to = from;
    if (type === 0) {
      const value = readVarint(bytes, from);
      if (!value) return undefined;
      to = value[1];
    } else if (type === 1) to = from + 8;
    else if (type === 5) to = from + 4;
    else if (type === 2) {
      const length = readVarint(bytes, from);
      if (!length) return undefined;
      from = length[1];
      to = from + length[0];
    } else return undefined;
    if (to > bytes.length) return undefined;
    found.push({ tag: tag[0], content: bytes.subarray(from, to) });
    at = to;
  }
  return found;
}

const VALUES = [
  0,
  1,
  2,
  127,
  128,
  255,
  300,
  2 ** 16,
  2 ** 28,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
];
const WORDS = [2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

const anyVarint = (random: Random) =>
  random.below(8) === 0 ? varint(random.pick(WORDS)) : varint(random.pick(VALUES) + random.below(2));

/** One field with its tag; of a length-delimited one with a length that may lie. */
function written({ tag, content }: Field, lie: Random | undefined): Buffer {
  if ((tag & 7) !== 2) return Buffer.concat([varint(tag), content]);
  const length = lie ? anyVarint(lie) : varint(content.length);
  return Buffer.concat([varint(tag), length, content]);
}

/** A message with one to three changes, in itself or in a message within it. */
export function mutateMessage(one: Buffer, two: Buffer, random: Random): Buffer {
  let bytes = one;
  for (let changes = 1 + random.below(3); changes > 0; changes--) bytes = changed(bytes, two, random, 5);
  return bytes;
}

function changed(bytes: Buffer, two: Buffer, random: Random, depth: number): Buffer {
  const list = fields(bytes);
  if (!list || list.length === 0 || random.below(12) === 0) return mutateBuffer(bytes, random);
  const at = random.below(list.length);
  const field = list[at] as Field;
  if ((field.tag & 7) === 2 && depth > 0 && random.below(2) === 0) {
    field.content = changed(field.content, two, random, depth - 1);
    return Buffer.concat(list.map((each) => written(each, undefined)));
  }
  let lie: Random | undefined;
  switch (random.below(9)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(random.below(list.length + 1), 0, field);
      break;
    case 2:
      field.tag = (field.tag & ~7) | random.below(8);
      break;
    case 3:
      field.tag = ((1 + random.below(random.below(3) ? 12 : 2 ** 29 - 1)) * 8 + (field.tag & 7)) >>> 0;
      break;
    case 4:
      lie = random;
      break;
    case 5:
      if ((field.tag & 7) === 0) field.content = anyVarint(random);
      else field.content = mutateBuffer(field.content, random);
      break;
    case 6:
      field.content = field.content.subarray(0, random.below(field.content.length + 1));
      break;
    case 7: {
      const others = fields(two) ?? [];
      if (others.length > 0) list.splice(at, random.below(2), random.pick(others));
      break;
    }
    default: {
      const to = random.below(list.length);
      [list[at], list[to]] = [list[to] as Field, field];
    }
  }
  return Buffer.concat(list.map((each) => written(each, each === field ? lie : undefined)));
}

/** Bytes with one run changed, doubled, cut out or put in. */
export function mutateBuffer(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.below(8));
  const any = Buffer.from(
    Array.from({ length: 1 + random.below(4) }, () => random.pick([0, 1, 127, 128, 255, random.below(256)])),
  );
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), any, bytes.subarray(to)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), any, bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    default:
      return bytes.subarray(0, at);
  }
}
