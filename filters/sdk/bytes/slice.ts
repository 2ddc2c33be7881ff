/** Bytes inside memory that somebody else owns, such as a header's value. */
export class Slice {
  ptr: usize = 0;
  len: i32 = 0;
}
