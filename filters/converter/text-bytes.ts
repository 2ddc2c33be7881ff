/** UTF-8 of `text`. */
export function textBytes(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}
