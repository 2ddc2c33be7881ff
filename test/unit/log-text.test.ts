import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { testModule } from "../support/wasm.ts";

interface LogText {
  allocate(size: number): number;
  jsonString(ptr: number, len: number, limit: number): number;
  traceId(ptr: number, len: number): number;
  hidden(pattern: number, patternLen: number, path: number, len: number): number;
  instant(milliseconds: number): number;
  resultPtr(): number;
}

const AREA = 1 << 14;
let wasm: LogText & { memory: WebAssembly.Memory };
let area: number;

beforeAll(async () => {
  wasm = await testModule<LogText>("log-text");
  area = wasm.allocate(AREA);
});

function put(bytes: Uint8Array, at = area): number {
  new Uint8Array(wasm.memory.buffer).set(bytes, at);
  return at;
}

function result(len: number): Buffer {
  return Buffer.from(wasm.memory.buffer, wasm.resultPtr(), len);
}

function jsonString(bytes: Uint8Array, limit = 2 ** 31 - 1): Buffer {
  return Buffer.from(result(wasm.jsonString(put(bytes), bytes.length, limit)));
}

/** Decodes as the filter does: each byte that starts no well-formed sequence is a U+FFFD. */
function decoded(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((size) => {
      try {
        const part = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
          bytes.subarray(at, at + size),
        );
        return at + size <= bytes.length && [...part].length === 1;
      } catch {
        return false;
      }
    });
    text += length ? Buffer.from(bytes.subarray(at, at + length)).toString() : "\ufffd";
    at += length ?? 1;
  }
  return text;
}

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 100 }).map((text) => new TextEncoder().encode(text)),
  fc.string({ unit: "grapheme-ascii", maxLength: 100 }).map((text) => new TextEncoder().encode(text)),
);

describe("JSON strings", () => {
  it("say any bytes", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(JSON.parse(jsonString(bytes).toString())).toBe(decoded(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  // Unicode, table 3-7: bounds of the second byte, and sequences that are too short, too long or too large.
  it.each([
    "eda080 edafbf edb080 edbfbf",
    "ed9fbf ee8080 efbfbf",
    "c080 c1bf c280 dfbf",
    "e08080 e09fbf e0a080",
    "f0808080 f08fbfbf f0908080",
    "f48fbfbf f4908080 f5808080 ff fe",
    "e282 f09f98 c2 80 bf",
    "eda0bdedb880",
  ])("%s, each byte that is none a U+FFFD", (hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    // Byte for byte: a lenient decoder would make of what is malformed what is expected.
    expect(jsonString(bytes).toString("hex")).toBe(Buffer.from(`"${decoded(bytes)}"`).toString("hex"));
  });

  it("are one line of well-formed UTF-8", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const json = jsonString(bytes);
        expect(json.findIndex((byte) => byte < 0x20 || byte === 0x7f)).toBe(-1);
        new TextDecoder("utf-8", { fatal: true }).decode(json);
      }),
    );
  });

  it("end before the first character that is too much", () => {
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 0, max: 120 }), (bytes, limit) => {
        const json = jsonString(bytes, limit);
        expect(json.length).toBeLessThanOrEqual(limit + 2);
        const text = JSON.parse(json.toString()) as string;
        expect(decoded(bytes).startsWith(text)).toBe(true);
        if (text !== decoded(bytes)) expect(json.length + 6).toBeGreaterThan(limit + 2);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("trace ids", () => {
  const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceId = (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    return result(wasm.traceId(put(bytes), bytes.length)).toString();
  };

  it.each([
    `00-${ID}-00f067aa0ba902b7-01`,
    `01-${ID}-00f067aa0ba902b7-01-later`,
    `cc-${ID}-00f067aa0ba902b7-00`,
  ])("%s", (text) => {
    expect(traceId(text)).toBe(ID);
  });

  it.each([
    ["nothing", ""],
    ["version ff", `ff-${ID}-00f067aa0ba902b7-01`],
    ["more behind version 00", `00-${ID}-00f067aa0ba902b7-01-more`],
    ["more without a dash", `01-${ID}-00f067aa0ba902b7-01more`],
    ["upper case", `00-${ID.toUpperCase()}-00f067aa0ba902b7-01`],
    ["zeros", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
    ["a parent of zeros", `00-${ID}-${"0".repeat(16)}-01`],
    ["another letter", `00-${ID.replace("f", "g")}-00f067aa0ba902b7-01`],
    ["a high byte", `00-${ID.replace("f", "\xe6")}-00f067aa0ba902b7-01`],
    ["other separators", `00_${ID}_00f067aa0ba902b7_01`],
    ["too short", `00-${ID}-00f067aa0ba902b7-0`],
  ])("none of %s", (_name, text) => {
    expect(traceId(text)).toBe("");
  });

  it("are what the grammar says", () => {
    const grammar = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
    const digits = fc.string({
      unit: fc.constantFrom(..."0123456789abcdef/:`gAF\x7f-"),
      minLength: 32,
      maxLength: 32,
    });
    fc.assert(
      fc.property(digits, (id) => {
        const text = `00-${id}-00f067aa0ba902b7-01`;
        expect(traceId(text)).toBe(grammar.exec(text)?.[1] ?? "");
      }),
    );
  });
});

it.each([
  ["/users/*", "/users/ann", "/users/*"],
  ["/users/*", "/users/ann?x=/y", "/users/*?x=/y"],
  ["/users/*/orders", "/users/ann/orders", "/users/*/orders"],
  ["/users/*/orders", "/users/ann/other", "/users/ann/other"],
  ["/users/*", "/users/", "/users/"],
  ["/users/*", "/users", "/users"],
  ["/users/*", "/users/ann/orders", "/users/ann/orders"],
  ["/users/**", "/users/ann/orders?q", "/users/*?q"],
  ["/users/**", "/users", "/users"],
  ["/*/x", "/long-secret/x", "/*/x"],
  ["/**", "/a/b/c", "/*"],
  ["/a", "x/a", "x/a"],
])("the pattern %s makes %s %s", (pattern, path, wanted) => {
  const first = Buffer.from(pattern);
  const second = Buffer.from(path);
  const length = wasm.hidden(put(first), first.length, put(second, area + 1024), second.length);
  expect(result(length).toString()).toBe(wanted);
});

it("times are those of Date", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2299, 11, 31) }), (milliseconds) => {
      expect(result(wasm.instant(milliseconds)).toString()).toBe(new Date(milliseconds).toISOString());
    }),
  );
});
