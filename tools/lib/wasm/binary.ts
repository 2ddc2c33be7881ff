/**
 * Reads the values of a WebAssembly binary (WebAssembly core specification, chapter 5) one after the other.
 */
export class WasmReader {
  readonly bytes: Uint8Array;
  /** Offset of the next value. */
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new Error("the WebAssembly module is cut off");
    return value;
  }

  /** An unsigned LEB128 of up to 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Passes a LEB128 of any size. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  text(): string {
    const length = this.u32();
    const from = this.at;
    this.at += length;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, length).toString();
  }
}

/** Numbers of the sections that are read here. */
export const SectionId = {
  CUSTOM: 0,
  TYPE: 1,
  IMPORT: 2,
  FUNCTION: 3,
  EXPORT: 7,
  ELEMENT: 9,
  CODE: 10,
} as const;

/** A section: its content is `[from, to)` of the module. */
export interface WasmSection {
  id: number;
  /** Of a custom section; its content begins behind it. */
  name: string | undefined;
  from: number;
  to: number;
}

const HEADER_BYTES = 8;

/** The sections of a module in their order. @throws Error for bytes that are none */
export function sectionsOf(module: Uint8Array): WasmSection[] {
  if (Buffer.from(module.subarray(0, 4)).toString("latin1") !== "\0asm")
    throw new Error("it is no WebAssembly module");
  const reader = new WasmReader(module, HEADER_BYTES);
  const sections: WasmSection[] = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const size = reader.u32();
    const to = reader.at + size;
    const name = id === SectionId.CUSTOM ? reader.text() : undefined;
    sections.push({ id, name, from: reader.at, to });
    reader.at = to;
  }
  return sections;
}

/** LEB128 of a whole number from 0. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}

/** LEB128 of a number, with its sign. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value < -64n || value > 63n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return [...bytes, Number(value & 0x7fn)];
}

/** A section with its number and size. */
export function section(id: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([id, ...unsigned(content.length)]), content]);
}

/** A custom section. */
export function customSection(name: string, content: Uint8Array): Uint8Array {
  const utf8 = Buffer.from(name);
  return section(SectionId.CUSTOM, Buffer.concat([Buffer.from(unsigned(utf8.length)), utf8, content]));
}
