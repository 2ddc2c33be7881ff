import { parseInstant } from "../bytes/instant";
import { Json, JsonKind } from "../bytes/json";

/** Characters of a header's name beside letters and digits (RFC 9110, section 5.6.2). */
const TOKEN_MARKS = "!#$%&'*+-.^_`|~";

/** Could a header have this name? In HTTP/2 such a name is in lower case. */
export function isHeaderName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const isAlphanumeric = (char >= "a" && char <= "z") || (char >= "0" && char <= "9");
    if (!isAlphanumeric && !TOKEN_MARKS.includes(char)) return false;
  }
  return text.length > 0;
}

/**
 * A typed view of one JSON object of a plug-in's configuration. Faults are collected with the path of the
 * field, so that `configure` reads all fields first and asks `faults` once.
 */
export class Config {
  private readonly seen: string[] = [];

  constructor(
    private readonly json: Json,
    private readonly path: string,
    readonly faults: string[],
  ) {
    if (json.kind != JsonKind.Object) this.fault("", "must be an object");
  }

  /** Records what is wrong with a field; `name` may be empty for the object itself. */
  fault(name: string, what: string): void {
    const dot = this.path.length > 0 && name.length > 0 ? "." : "";
    this.faults.push(`${this.path}${dot}${name}: ${what}`);
  }

  private get(name: string, kind: JsonKind, article: string): Json | null {
    this.seen.push(name);
    const index = this.json.keys.indexOf(name);
    if (index < 0) return null;
    const value = this.json.items[index];
    if (value.kind == kind) return value;
    this.fault(name, `must be ${article}`);
    return null;
  }

  has(name: string): bool {
    return this.json.keys.includes(name);
  }

  /** A string that must be there and not empty. */
  text(name: string): string {
    const value = this.get(name, JsonKind.String, "a string");
    if (value != null && value.text.length > 0) return value.text;
    if (value != null || !this.has(name)) this.fault(name, "is required");
    return "";
  }

  /** The name of a header, which must be there, in lower case. */
  headerName(name: string): string {
    const text = this.text(name).toLowerCase();
    if (text.length > 0 && !isHeaderName(text)) this.fault(name, "must be the name of a header");
    return text;
  }

  /** A number of at least `least`; absent: `fallback`. */
  number(name: string, fallback: f64, least: f64): f64 {
    const value = this.get(name, JsonKind.Number, "a number");
    if (value == null) return fallback;
    if (value.number < least) this.fault(name, `must be at least ${least.toString()}`);
    return value.number;
  }

  /** true or false; absent: `fallback`. */
  flag(name: string, fallback: bool): bool {
    const value = this.get(name, JsonKind.Boolean, "true or false");
    return value == null ? fallback : value.boolean;
  }

  /** One of some words; absent: the first one. @returns its index */
  choice(name: string, words: string[]): i32 {
    if (!this.has(name)) return 0;
    const index = words.indexOf(this.text(name));
    if (index < 0) this.fault(name, `must be one of ${words.join(", ")}`);
    return max(index, 0);
  }

  /** A time as RFC 3339 writes it, in seconds since 1970; absent: `fallback`. */
  instant(name: string, fallback: i64): i64 {
    if (!this.has(name)) return fallback;
    const seconds = parseInstant(this.text(name));
    if (seconds < 0) this.fault(name, "must be a time such as 2026-01-31T12:00:00Z");
    return seconds;
  }

  /** The JSON of an object, as it stands; absent: null. */
  raw(name: string): Json | null {
    return this.get(name, JsonKind.Object, "an object");
  }

  /** A list of strings; absent: empty. */
  texts(name: string): string[] {
    const list = this.get(name, JsonKind.Array, "a list");
    const texts: string[] = [];
    if (list == null) return texts;
    for (let i = 0; i < list.items.length; i++) {
      const item = list.items[i];
      if (item.kind != JsonKind.String) this.fault(`${name}[${i.toString()}]`, "must be a string");
      else texts.push(item.text);
    }
    return texts;
  }

  /** A list of numbers; absent: empty. */
  numbers(name: string): f64[] {
    const list = this.get(name, JsonKind.Array, "a list");
    const numbers: f64[] = [];
    if (list == null) return numbers;
    for (let i = 0; i < list.items.length; i++) {
      const item = list.items[i];
      if (item.kind != JsonKind.Number) this.fault(`${name}[${i.toString()}]`, "must be a number");
      else numbers.push(item.number);
    }
    return numbers;
  }

  /** A list of objects; absent: empty. */
  objects(name: string): Config[] {
    const list = this.get(name, JsonKind.Array, "a list");
    const configs: Config[] = [];
    if (list == null) return configs;
    for (let i = 0; i < list.items.length; i++)
      configs.push(this.child(list.items[i], `${name}[${i.toString()}]`));
    return configs;
  }

  /** An object; absent: null. */
  object(name: string): Config | null {
    const value = this.get(name, JsonKind.Object, "an object");
    return value == null ? null : this.child(value, name);
  }

  private child(json: Json, name: string): Config {
    return new Config(json, this.path.length > 0 ? `${this.path}.${name}` : name, this.faults);
  }

  /** Refuses fields that nobody asked for: a misspelt field must not be ignored. */
  finish(): void {
    for (let i = 0; i < this.json.keys.length; i++) {
      const key = this.json.keys[i];
      if (!this.seen.includes(key)) this.fault(key, `unknown field; known are ${this.seen.join(", ")}`);
    }
  }
}
