/**
 * Powers of ten as 128-bit significands, their first bit set, for k from SMALLEST_POWER to LARGEST_POWER:
 * 10^k is about significand * 2^(floor(log2(10^k)) - 127). Cut off, except that k from -27 to -1 are rounded
 * up: the form that the Eisel-Lemire algorithm wants (Daniel Lemire, "Number parsing at a gigabyte per
 * second", 2021). Computed when the module starts, in well under a millisecond; a unit test computes them
 * anew.
 */
export const SMALLEST_POWER: i32 = -342;
export const LARGEST_POWER: i32 = 324;

/** Sixteen bytes a power: the high word, then the low word. */
export const POWERS_OF_TEN: usize = memory.data(10672, 16);

/** A number of 32-bit limbs, the lowest first; 5^342 has 795 bits. */
const LIMBS: i32 = 32;
const number: usize = memory.data(128);

function limb(i: i32): usize {
  return number + ((<usize>i) << 2);
}

function limbOrZero(i: i32): u64 {
  return i < 0 ? 0 : load<u32>(limb(i));
}

/** Stores the first 128 bits of `number`, cut off, plus `up`. */
function storeTopBits(k: i32, up: u64): void {
  let top = LIMBS - 1;
  while (load<u32>(limb(top)) == 0) top--;
  const first = (limbOrZero(top) << 32) | limbOrZero(top - 1);
  const second = (limbOrZero(top - 2) << 32) | limbOrZero(top - 3);
  const shift = clz<u64>(first);
  let high = first;
  let low = second;
  if (shift > 0) {
    high = (first << shift) | (second >> (64 - shift));
    low = (second << shift) | (limbOrZero(top - 4) >> (32 - shift));
  }
  low += up;
  if (low < up) high++;
  const entry = POWERS_OF_TEN + ((<usize>(k - SMALLEST_POWER)) << 4);
  store<u64>(entry, high);
  store<u64>(entry, low, 8);
}

function multiplyByFive(): void {
  let carry: u64 = 0;
  for (let i: i32 = 0; i < LIMBS; i++) {
    carry += <u64>load<u32>(limb(i)) * 5;
    store<u32>(limb(i), <u32>carry);
    carry >>= 32;
  }
}

function divideByFive(): void {
  let rest: u64 = 0;
  for (let i: i32 = LIMBS - 1; i >= 0; i--) {
    rest = (rest << 32) | load<u32>(limb(i));
    store<u32>(limb(i), <u32>(rest / 5));
    rest %= 5;
  }
}

store<u32>(limb(0), 1);
for (let k: i32 = 0; k <= LARGEST_POWER; k++) {
  storeTopBits(k, 0);
  multiplyByFive();
}
memory.fill(number, 0, LIMBS * 4);
store<u32>(limb(LIMBS - 1), 1);
for (let k: i32 = -1; k >= SMALLEST_POWER; k--) {
  divideByFive();
  storeTopBits(k, k >= -27 ? 1 : 0);
}
