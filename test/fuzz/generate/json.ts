import type { Random } from "../../support/mutate.ts";

/** JSON texts (as bytes in a latin1 string): spelt in every way the grammar allows, and changed into what it does not. */

const NUMBERS = [
  ...["0", "-0", "1", "-1", "0.1", "1.5", "1e0", "1E+2", "1e-2", "127", "128", "-128", "-129", "255", "256"],
  ...[
    "32767",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
  ],
  ...["4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808"],
  ...[
    "18446744073709551615",
    "18446744073709551616",
    "1e19",
    "3.4028235e38",
    "3.5e38",
    "1e308",
    "1e309",
    "-1e999",
  ],
  ...[
    "65504",
    "65520",
    "1e-45",
    "1e-46",
    "5e-324",
    "1e-400",
    "0.30000000000000004",
    "1.00000017881393432617187499",
  ],
  ...[
    "123456789012345678901234567890",
    `1${"0".repeat(400)}`,
    `0.${"0".repeat(400)}1`,
    `1e${"9".repeat(30)}`,
  ],
];
/** Not numbers of JSON. */
const NO_NUMBERS = [
  "01",
  "-",
  "+1",
  ".5",
  "1.",
  "1e",
  "0x1",
  "NaN",
  "Infinity",
  "-Infinity",
  "1_0",
  "--1",
  "1-2",
];
const TEXTS = [
  "",
  "a",
  "x",
  "é",
  "\u{1f600}",
  "\0",
  '"',
  "\\",
  "/",
  "\u2028",
  "NaN",
  "b64",
  "aGk=",
  "ab".repeat(40),
];
/** Not strings of JSON, in bytes. */
const NO_TEXTS = [
  ...[
    '"\\u12"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud83d\\u0041"',
    '"\\x"',
    '"\\"',
    '"',
    '"\x01"',
    '"\n"',
    '"\x80"',
  ],
  ...[
    '"\xc0\xaf"',
    '"\xed\xa0\x80"',
    '"\xf4\x90\x80\x80"',
    '"\xe2\x82"',
    '"\xff"',
    "'a'",
    '"\\u00zz"',
    '"\\U0041"',
  ],
];
const WORDS = ["true", "false", "null", "tru", "nul", "True", "nulll", "undefined"];
const STRUCTURE = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "{}",
  "[]",
  "[[",
  "]]",
  ",,",
  "[1,",
  '{"a":',
  '{"a":1}',
  "/**/",
  " ",
  "\t\r\n",
  "\x0b",
  "\xef\xbb\xbf",
];

const utf8 = (text: string) => Buffer.from(text).toString("latin1");

export function anyNumber(random: Random): string {
  if (random.below(3) === 0) return random.pick(NUMBERS);
  const sign = random.below(3) === 0 ? "-" : "";
  const whole = String(random.below(10 ** (1 + random.below(9))));
  const fraction = random.below(3) === 0 ? `.${random.below(1e9)}` : "";
  const exponent = random.below(6) === 0 ? `e${random.below(80) - 40}` : "";
  return sign + whole + fraction + exponent;
}

export function anyText(random: Random): string {
  if (random.below(2) === 0) return random.pick(TEXTS);
  return Array.from({ length: random.below(12) }, () => random.pick(TEXTS).slice(0, 2)).join("");
}

/** A string's JSON, each character as it is or escaped in one of the ways there are. */
export function spellText(text: string, random: Random): string {
  const escaped = (c: string) =>
    [...Array(c.length).keys()]
      .map((i) => {
        const hex = c.charCodeAt(i).toString(16).padStart(4, "0");
        return `\\u${random.below(2) ? hex : hex.toUpperCase()}`;
      })
      .join("");
  const spelt = [...text].map((c) => {
    if (random.below(8) === 0) return escaped(c);
    if (c === "/" && random.below(2)) return "\\/";
    return JSON.stringify(c).slice(1, -1);
  });
  return `"${utf8(spelt.join(""))}"`;
}

const space = (random: Random) =>
  random.below(6) === 0 ? random.pick([" ", "\n", "\t ", "\r\n", "    "]) : "";

/** A number to be written as it stands. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A value's JSON in one of its spellings. Lists of pairs in a Map keep their order and may hold a key twice. */
export function spell(value: unknown, random: Random): string {
  const between = () => space(random);
  if (value instanceof Raw) return value.text;
  if (typeof value === "string") return spellText(value, random);
  if (Array.isArray(value)) {
    return `[${between()}${value.map((each) => spell(each, random)).join(`${between()},${between()}`)}${between()}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, each]) => each !== undefined);
    if (random.below(3) === 0) shuffle(members, random);
    const spelt = members.map(([key, each]) => {
      const name = random.below(10) === 0 ? spellText(key, random) : JSON.stringify(key);
      return `${name}${between()}:${between()}${spell(each, random)}`;
    });
    return `{${between()}${spelt.join(`${between()},${between()}`)}${between()}}`;
  }
  return JSON.stringify(value);
}

export function shuffle<T>(list: T[], random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
}

/** Any value, of a depth. */
export function anyValue(random: Random, depth = 3): unknown {
  const kind = random.below(depth > 0 ? 7 : 5);
  if (kind === 0) return new Raw(anyNumber(random));
  if (kind === 1) return anyText(random);
  if (kind === 2) return random.below(2) === 0;
  if (kind === 3) return null;
  if (kind === 4) return new Raw(anyNumber(random));
  const items = Array.from({ length: random.below(5) }, () => anyValue(random, depth - 1));
  return kind === 5
    ? items
    : Object.fromEntries(items.map((item, i) => [i % 2 ? anyText(random) : `k${i}`, item]));
}

const TOKEN = /"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*|[a-zA-Z]+|[{}[\],:]|[^{}[\],:"\w-]+|./gs;

/** A token's like, good or bad. */
function otherToken(token: string, random: Random, words: readonly string[]): string {
  const kind = random.below(10);
  if (kind === 0 && words.length > 0) return random.pick(words);
  if (kind === 1) return random.pick(NO_NUMBERS);
  if (kind === 2) return random.pick(NO_TEXTS);
  if (kind === 3) return random.pick(WORDS);
  if (kind === 4) return random.pick(STRUCTURE);
  if (kind === 5) return spell(anyValue(random), random);
  if (kind === 6) return spellText(anyText(random), random);
  if (/^[-\d]/.test(token) || kind === 7) return anyNumber(random);
  return words.length > 0 ? random.pick(words) : anyNumber(random);
}

/**
 * One to four changes of a JSON text: tokens put in, taken out, replaced, doubled, swapped; a run of another text's put in; nested
 * deeply; cut short; a byte changed.
 */
export function mutateJson(one: string, two: string, random: Random, words: readonly string[] = []): string {
  const tokens = one.match(TOKEN) ?? [];
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(tokens.length + 1);
    const count = 1 + random.below(random.below(4) === 0 ? 12 : 3);
    const token = tokens[at] ?? "";
    switch (random.below(12)) {
      case 0:
        tokens.splice(at, count);
        break;
      case 1:
        tokens.splice(at, 0, otherToken(token, random, words));
        break;
      case 2:
      case 3:
      case 4:
        tokens.splice(at, 1, otherToken(token, random, words));
        break;
      case 5:
        tokens.splice(at, 0, ...tokens.slice(at, at + count));
        break;
      case 6: {
        const others = two.match(TOKEN) ?? [];
        const from = random.below(others.length + 1);
        tokens.splice(at, random.below(2) * count, ...others.slice(from, from + 1 + random.below(12)));
        break;
      }
      case 7: {
        const to = random.below(tokens.length + 1);
        const moved = tokens.splice(at, count);
        tokens.splice(Math.min(to, tokens.length), 0, ...moved);
        break;
      }
      case 8: {
        const depth = random.pick([1, 2, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65, 66, 200]);
        const open = random.pick(["[", '{"a":']);
        tokens.splice(
          at,
          1,
          open.repeat(depth) + token + (random.below(4) ? (open === "[" ? "]" : "}").repeat(depth) : ""),
        );
        break;
      }
      case 9:
        if (random.below(3) === 0) tokens.length = Math.min(at, tokens.length);
        break;
      case 10:
        if (at < tokens.length) tokens[at] = mutateBytes(token, random);
        break;
      default:
        if (at < tokens.length && random.below(4) === 0) tokens[at] = token.repeat(2 + random.below(40));
    }
  }
  return tokens.join("");
}

/** One byte changed, put in or taken out. */
export function mutateBytes(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const byte = String.fromCharCode(random.below(256));
  const kind = random.below(4);
  if (kind === 0) return text.slice(0, at) + byte + text.slice(at + 1);
  if (kind === 1) return text.slice(0, at) + byte + text.slice(at);
  if (kind === 2) return text.slice(0, at) + text.slice(at + 1);
  const code = text.charCodeAt(at) ^ (1 << random.below(8));
  return text.slice(0, at) + (Number.isNaN(code) ? "" : String.fromCharCode(code & 255)) + text.slice(at + 1);
}

/** What the bytes say as JSON, undefined when they say nothing: not UTF-8, or no JSON. */
export function parsed(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** Is there nothing in a JSON text that readers may read differently: a member twice, half a surrogate pair? */
export function readsAlike(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  let previous = "";
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|[{}[\],:]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) {
      let value: string;
      try {
        value = JSON.parse(token) as string;
      } catch {
        return true;
      }
      if (!value.isWellFormed()) return false;
      const keys = open.at(-1);
      if (keys && previous !== ":") {
        if (keys.has(value)) return false;
        keys.add(value);
      }
    }
    previous = token;
  }
  return true;
}
