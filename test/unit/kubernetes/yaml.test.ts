import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { toYaml } from "../../../tools/lib/kubernetes/yaml.ts";

/** kubectl reads YAML 1.1, where these would be booleans, numbers and times. */
const TRAPS = [
  "on",
  "No",
  "y",
  "~",
  "null",
  "1_000",
  "0123",
  "0x1f",
  "1:30:45",
  "1e3",
  ".5",
  ".inf",
  "2027-01-31",
];
const MORE = [
  "",
  " ",
  "a: b",
  "a #b",
  "- a",
  "*",
  "&a",
  "!a",
  "%",
  "@",
  "`",
  "|",
  ">",
  "a\nb\n",
  "\t",
  "\u0085",
];

describe.each(["1.1", "1.2"] as const)("YAML %s reads back what was written", (version) => {
  const back = (value: unknown) => parse(toYaml(value), { version, merge: false });

  it.each([...TRAPS, ...MORE])("%j", (text) => {
    const value = { [text]: text, list: [text, { a: text }] };
    expect(back(value)).toEqual(value);
  });

  it("any JSON", () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.constantFrom(...TRAPS, ...MORE));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        expect(back({ given })).toEqual({ given });
      }),
    );
  });
});

it("leaves out what is undefined", () => {
  expect(toYaml({ a: 1, b: undefined })).toBe("a: 1\n");
});
