export type HeaderList = [name: string, value: string][];

/** The ABI's form of header pairs: count, sizes, then the bytes with a NUL behind each. */
export function serialise(headers: HeaderList, encoding: BufferEncoding): Uint8Array {
  const parts = headers.flat().map((text) => Buffer.from(text, encoding));
  const sizes = Buffer.alloc(4 + parts.length * 4);
  sizes.writeUInt32LE(headers.length);
  for (const [i, part] of parts.entries()) sizes.writeUInt32LE(part.length, 4 + i * 4);
  return Buffer.concat([sizes, ...parts.flatMap((part) => [part, Buffer.of(0)])]);
}

export function parsePairs(bytes: Uint8Array, encoding: BufferEncoding): HeaderList {
  if (bytes.length === 0) return [];
  const buffer = Buffer.from(bytes);
  const count = buffer.readUInt32LE();
  const texts: string[] = [];
  let at = 4 + count * 8;
  for (let i = 0; i < count * 2; i++) {
    const size = buffer.readUInt32LE(4 + i * 4);
    texts.push(buffer.toString(encoding, at, at + size));
    at += size + 1;
  }
  return Array.from({ length: count }, (_, i) => [texts[2 * i] as string, texts[2 * i + 1] as string]);
}
