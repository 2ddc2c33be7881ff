/** Are two SHA-256 digests the same? Takes the same time wherever they differ. */
export function equalDigests(a: usize, b: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference == 0;
}
