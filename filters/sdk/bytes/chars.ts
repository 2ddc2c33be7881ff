/**
 * Characters by name, as AssemblyScript's own `CharCode` names them. They are constants of type u8 and not
 * the members of a `const enum`, whose type is i32: so `c - Char._0 < 10` is unsigned 8-bit arithmetic, and a
 * character is passed on without a cast. The compiler puts in the number, so that a name costs nothing.
 */
export namespace Char {
  export const NULL: u8 = 0x00;
  export const BACKSPACE: u8 = 0x08;
  export const TAB: u8 = 0x09;
  export const LF: u8 = 0x0a;
  export const FORM_FEED: u8 = 0x0c;
  export const CR: u8 = 0x0d;
  export const SPACE: u8 = 0x20;
  export const EXCLAMATION: u8 = 0x21;
  export const QUOTE: u8 = 0x22;
  export const HASH: u8 = 0x23;
  export const DOLLAR: u8 = 0x24;
  export const PERCENT: u8 = 0x25;
  export const AMPERSAND: u8 = 0x26;
  export const APOSTROPHE: u8 = 0x27;
  export const OPEN_PAREN: u8 = 0x28;
  export const CLOSE_PAREN: u8 = 0x29;
  export const ASTERISK: u8 = 0x2a;
  export const PLUS: u8 = 0x2b;
  export const COMMA: u8 = 0x2c;
  export const MINUS: u8 = 0x2d;
  export const DOT: u8 = 0x2e;
  export const SLASH: u8 = 0x2f;
  export const _0: u8 = 0x30;
  export const _1: u8 = 0x31;
  export const _2: u8 = 0x32;
  export const _3: u8 = 0x33;
  export const _4: u8 = 0x34;
  export const _5: u8 = 0x35;
  export const _6: u8 = 0x36;
  export const _7: u8 = 0x37;
  export const _8: u8 = 0x38;
  export const _9: u8 = 0x39;
  export const COLON: u8 = 0x3a;
  export const SEMICOLON: u8 = 0x3b;
  export const LESS_THAN: u8 = 0x3c;
  export const EQUALS: u8 = 0x3d;
  export const GREATER_THAN: u8 = 0x3e;
  export const QUESTION: u8 = 0x3f;
  export const AT: u8 = 0x40;
  export const A: u8 = 0x41;
  export const B: u8 = 0x42;
  export const C: u8 = 0x43;
  export const D: u8 = 0x44;
  export const E: u8 = 0x45;
  export const F: u8 = 0x46;
  export const G: u8 = 0x47;
  export const H: u8 = 0x48;
  export const I: u8 = 0x49;
  export const J: u8 = 0x4a;
  export const K: u8 = 0x4b;
  export const L: u8 = 0x4c;
  export const M: u8 = 0x4d;
  export const N: u8 = 0x4e;
  export const O: u8 = 0x4f;
  export const P: u8 = 0x50;
  export const Q: u8 = 0x51;
  export const R: u8 = 0x52;
  export const S: u8 = 0x53;
  export const T: u8 = 0x54;
  export const U: u8 = 0x55;
  export const V: u8 = 0x56;
  export const W: u8 = 0x57;
  export const X: u8 = 0x58;
  export const Y: u8 = 0x59;
  export const Z: u8 = 0x5a;
  export const OPEN_BRACKET: u8 = 0x5b;
  export const BACKSLASH: u8 = 0x5c;
  export const CLOSE_BRACKET: u8 = 0x5d;
  export const CARET: u8 = 0x5e;
  export const UNDERSCORE: u8 = 0x5f;
  export const BACKTICK: u8 = 0x60;
  export const a: u8 = 0x61;
  export const b: u8 = 0x62;
  export const c: u8 = 0x63;
  export const d: u8 = 0x64;
  export const e: u8 = 0x65;
  export const f: u8 = 0x66;
  export const g: u8 = 0x67;
  export const h: u8 = 0x68;
  export const i: u8 = 0x69;
  export const j: u8 = 0x6a;
  export const k: u8 = 0x6b;
  export const l: u8 = 0x6c;
  export const m: u8 = 0x6d;
  export const n: u8 = 0x6e;
  export const o: u8 = 0x6f;
  export const p: u8 = 0x70;
  export const q: u8 = 0x71;
  export const r: u8 = 0x72;
  export const s: u8 = 0x73;
  export const t: u8 = 0x74;
  export const u: u8 = 0x75;
  export const v: u8 = 0x76;
  export const w: u8 = 0x77;
  export const x: u8 = 0x78;
  export const y: u8 = 0x79;
  export const z: u8 = 0x7a;
  export const OPEN_BRACE: u8 = 0x7b;
  export const BAR: u8 = 0x7c;
  export const CLOSE_BRACE: u8 = 0x7d;
  export const TILDE: u8 = 0x7e;
  export const DELETE: u8 = 0x7f;
}

/** What a lower-case ASCII letter has and its upper case has not. */
export const CASE_BIT: u8 = 0x20;

export function isDigit(c: u8): bool {
  return c - Char._0 < 10;
}

/** ASCII letters in lower case, other bytes as they are. */
export function lowerCase(c: u8): u8 {
  return c - Char.A < 26 ? c | CASE_BIT : c;
}

/** The lower-case hexadecimal digit of a value from 0 to 15. */
export function hexCharacter(value: u8): u8 {
  return value < 10 ? Char._0 + value : Char.a + value - 10;
}
