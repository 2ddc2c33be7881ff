import { expect, it } from "vitest";
import { generateKey } from "../../../tools/cluster/credentials/key.ts";
import { isKey, KEY_PATTERN } from "../../support/is-key.ts";

it("keys differ, have the form that scanners look for, and a checksum", () => {
  const keys = Array.from({ length: 1000 }, generateKey);
  expect(new Set(keys).size).toBe(1000);
  for (const key of keys) expect(isKey(key), "a key").toBe(true);
  expect(KEY_PATTERN.test(`{"key": "${keys[0]}"}`)).toBe(true);
});

it("every bit of the first thousand keys' digits is in use", () => {
  const digits = new Set(Array.from({ length: 1000 }, () => generateKey().slice(4, -6)).join(""));
  expect(digits.size).toBe(62);
});

it.each<[string, (key: string) => string]>([
  ["a digit changed", (key) => key.slice(0, 9) + (key[9] === "a" ? "b" : "a") + key.slice(10)],
  ["checksum changed", (key) => key.slice(0, -1) + (key.endsWith("a") ? "b" : "a")],
  ["cut", (key) => key.slice(0, -1)],
  ["longer", (key) => `${key}a`],
  ["other prefix", (key) => `mx${key.slice(2)}`],
  ["empty", () => ""],
])("no key: %s", (_name, change) => {
  expect(isKey(change(generateKey()))).toBe(false);
});
