/** Are two runs of `len` bytes the same? Takes a time that depends on `len` alone. */
export function equalInConstantTime(a: usize, b: usize, len: i32): bool {
  let difference: u8 = 0;
  for (let i: i32 = 0; i < len; i++) difference |= load<u8>(a + i) ^ load<u8>(b + i);
  return difference == 0;
}

/** Are two SHA-256 digests the same? Takes the same time wherever they differ. */
export function equalDigests(a: usize, b: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference == 0;
}
