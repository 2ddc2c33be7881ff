import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { ACCEPT } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { Headers } from "../sdk/host/headers";

/**
 * What a caller accepts (RFC 9110, section 12.5.1): lists, weights, ranges; the case of names counts for
 * nothing.
 */

const ANY = bytes("*/*");
const Q = bytes("q");
/** Weights in thousandths, as they have at most three digits behind the point. */
const FULL_WEIGHT: i32 = 1000;

/** A media type that can be answered with. */
export class Offer {
  readonly name: Bytes;
  private readonly range: Bytes;
  /** How much the caller wants it: of the most specific range that it falls under. */
  weight: i32 = 0;
  /** -1 while it falls under none, 0 for every type, 1 for its `type/*`, 2 where it is named. */
  private specificity: i32 = -1;

  constructor(type: string) {
    this.name = bytes(type);
    this.range = bytes(`${type.substring(0, type.indexOf("/"))}/*`);
  }

  get isNamed(): bool {
    return this.specificity == 2;
  }

  /** Does the caller want this rather than `other`: more, or by name? */
  isBefore(other: Offer): bool {
    return this.weight == other.weight ? this.specificity > other.specificity : this.weight > other.weight;
  }

  clear(): void {
    this.weight = 0;
    this.specificity = -1;
  }

  /** Takes the range [ptr, ptr + len) of `weight` into account. */
  consider(ptr: usize, len: i32, weight: i32): void {
    let specificity = -1;
    if (equalsIgnoreCase(ptr, len, this.name)) specificity = 2;
    else if (equalsIgnoreCase(ptr, len, this.range)) specificity = 1;
    else if (ANY.equals(ptr, len)) specificity = 0;
    if (specificity < 0 || specificity < this.specificity) return;
    this.specificity = specificity;
    this.weight = weight;
  }
}

const value: Slice = new Slice();

/** Sets the weights of `offers` by all `Accept` headers. @returns false when there is none */
export function weigh(headers: Headers, offers: StaticArray<Offer>): bool {
  for (let i = 0; i < offers.length; i++) offers[i].clear();
  const count = headers.find(ACCEPT, value);
  for (let i = 0; i < count; i++) {
    headers.findAt(ACCEPT.ptr, ACCEPT.len, i, value);
    const end = value.ptr + value.len;
    for (let at = value.ptr; at < end; ) at = considerElement(at, end, offers);
  }
  return count > 0;
}

/** Reads one element of the list. @returns where the next one starts */
function considerElement(at: usize, end: usize, offers: StaticArray<Offer>): usize {
  at = skipSpaces(at, end);
  const start = at;
  while (at < end && load<u8>(at) != Char.COMMA && load<u8>(at) != Char.SEMICOLON) at++;
  const length = trimmed(start, at);
  let weight = FULL_WEIGHT;
  while (at < end && load<u8>(at) == Char.SEMICOLON) {
    const parameter = skipSpaces(at + 1, end);
    at = parameter;
    while (at < end && load<u8>(at) != Char.COMMA && load<u8>(at) != Char.SEMICOLON) at++;
    const found = weightOf(parameter, at);
    if (found >= 0) weight = found;
  }
  for (let i = 0; i < offers.length; i++) offers[i].consider(start, length, weight);
  return at + 1;
}

/** Thousandths of `q=0.5`; -1 of any other parameter. */
function weightOf(at: usize, end: usize): i32 {
  if (end - at < 3 || load<u8>(at + 1) != Char.EQUALS || !equalsIgnoreCase(at, 1, Q)) return -1;
  let weight = 0;
  let scale = FULL_WEIGHT;
  for (at += 2; at < end && scale > 0; at++) {
    const c = load<u8>(at);
    if (c == Char.DOT) continue;
    if (c - Char._0 > 9) break;
    weight += <i32>(c - Char._0) * scale;
    scale /= 10;
  }
  return min(weight, FULL_WEIGHT);
}

function equalsIgnoreCase(ptr: usize, len: i32, name: Bytes): bool {
  return len == name.len && startsWithIgnoreCase(ptr, len, name);
}

function skipSpaces(at: usize, end: usize): usize {
  while (at < end && (load<u8>(at) == Char.SPACE || load<u8>(at) == Char.TAB)) at++;
  return at;
}

/** Length without spaces at the end. */
function trimmed(start: usize, end: usize): i32 {
  while (end > start && (load<u8>(end - 1) == Char.SPACE || load<u8>(end - 1) == Char.TAB)) end--;
  return <i32>(end - start);
}
