/** How far inflating came. */
export enum Progress {
  /** The chunk is used up. */
  NeedsMore,
  Done,
  Malformed,
  /** More came out than `mostLength` allows. */
  TooLarge,
}
