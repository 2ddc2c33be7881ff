/**
 * Values that a schema takes, made from the schema itself, so that a new field is drawn without a word here.
 * What depends on other fields, or has a pattern that a random text hardly fits, is given in `overrides`.
 */
import fc from "fast-check";
import { z } from "zod";

type Json = z.core.JSONSchema.JSONSchema;

/**
 * By path, as `schemaPaths` writes it: what to draw there instead; `ABSENT` leaves the field to somebody
 * else.
 */
export type Overrides = Record<string, fc.Arbitrary<unknown> | typeof ABSENT>;
export const ABSENT = Symbol("absent");

/** Entries of a list or record, at most: the bounds themselves are for `resource-edits.ts`. */
const MOST_ENTRIES = 3;

/** @param path of the schema in the resource, such as `spec.cors` */
export function arbitraryOf(
  schema: z.ZodType,
  path: string,
  overrides: Overrides = {},
): fc.Arbitrary<unknown> {
  const own = overrides[path];
  if (own !== undefined && own !== ABSENT) return own;
  const inner = unwrapped(schema);
  const values = ofType(inner, path, overrides);
  // Rules between fields are at the object that has them; where somebody adds fields, they are theirs.
  const isWhole = !Object.entries(overrides).some(
    ([name, what]) =>
      what === ABSENT && name.startsWith(`${path}.`) && !name.slice(path.length + 1).includes("."),
  );
  const isRuled = isWhole && inner.def.checks?.some((check) => check._zod.def.check === "custom");
  return isRuled ? values.filter((value) => inner.safeParse(value).success) : values;
}

function ofType(schema: z.ZodType, path: string, overrides: Overrides): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodObject) return ofObject(schema, path, overrides);
  if (schema instanceof z.ZodArray) {
    const { minItems = 0, maxItems = MOST_ENTRIES } = z.toJSONSchema(schema, { io: "input" });
    const maxLength = Math.max(minItems, Math.min(maxItems, MOST_ENTRIES));
    return fc.array(arbitraryOf(schema.element as z.ZodType, `${path}[]`, overrides), {
      ...{ minLength: minItems, maxLength },
    });
  }
  if (schema instanceof z.ZodRecord) {
    const value = arbitraryOf(schema.valueType as z.ZodType, `${path}.*`, overrides);
    return fc.dictionary(fc.constantFrom("app", "istio", "a.b/c"), value, { noNullPrototype: true });
  }
  return ofLeaf(z.toJSONSchema(schema, { io: "input" }), path);
}

function ofObject(schema: z.ZodObject, path: string, overrides: Overrides): fc.Arbitrary<object> {
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>).filter(
    ([name]) => overrides[`${path}.${name}`] !== ABSENT,
  );
  const model = fields.map(([name, field]) => [name, arbitraryOf(field, `${path}.${name}`, overrides)]);
  // zod: may the field be left out of the input?
  const requiredKeys = fields.flatMap(([name, field]) => (field._zod.optin === "optional" ? [] : [name]));
  return fc.record(Object.fromEntries(model) as Record<string, fc.Arbitrary<unknown>>, {
    ...{ requiredKeys, noNullPrototype: true },
  });
}

function ofLeaf(json: Json, path: string): fc.Arbitrary<unknown> {
  if (json.enum) return fc.constantFrom(...json.enum);
  if (json.const !== undefined) return fc.constant(json.const);
  switch (json.type) {
    case "boolean":
      return fc.boolean();
    case "integer":
      return ofInteger(json);
    case "number":
      return ofNumber(json);
    case "string":
      return ofString(json, path);
    case "object":
      return fc.constantFrom({}, { inputs: [] });
    default:
      throw new Error(`${path}: no values are known for ${JSON.stringify(json)}: give some in an override`);
  }
}

function ofInteger({ minimum = 0, maximum = 2 ** 31 - 1 }: Json): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(minimum, maximum), fc.integer({ min: minimum, max: maximum }));
}

function ofNumber({ minimum, exclusiveMinimum, maximum = 1e9 }: Json): fc.Arbitrary<number> {
  // OpenAPI's older form is true or false.
  const min = minimum ?? Number(exclusiveMinimum ?? 0);
  const usual = [min, maximum, 0.0015, 0.5, 1, 1.5, 1e6 + 1 / 3, 100 / 3];
  const isOpen = minimum === undefined;
  return fc.oneof(
    fc.constantFrom(...usual.filter((each) => each <= maximum && (isOpen ? each > min : each >= min))),
    fc.double({ min, max: maximum, noNaN: true, minExcluded: isOpen }).map((each) => each + 0),
  );
}

const character = fc
  .oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 256, max: 0x10ffff }))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));
/** Text of any characters, as claims and audiences may be. */
const text = fc.oneof(
  fc.constantFrom("a", "a b", 'a"b', "a\\b", "é", "\u0000", "𝒳", "a:b", "-1"),
  fc.string({ unit: character, minLength: 1, maxLength: 12 }),
);

function ofString(json: Json, path: string): fc.Arbitrary<string> {
  const { pattern, allOf = [], format, minLength = 0, maxLength = 64 } = json;
  const patterns = [pattern, ...allOf.map((each) => (each as Json).pattern)].filter(
    (each) => each !== undefined,
  );
  const [first, ...others] = patterns.map((each) => new RegExp(each));
  if (!first && format !== undefined)
    throw new Error(`${path}: no values are known for ${JSON.stringify(json)}: give some in an override`);
  const isFitting = (each: string) =>
    each.length >= minLength && each.length <= maxLength && others.every((other) => other.test(each));
  if (!first) return fc.oneof(text, longest(maxLength)).filter(isFitting);
  const values = fc.stringMatching(first, { size: "small" }).filter(isFitting);
  const some = fc.sample(values, { seed: 1, numRuns: OFTEN });
  return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...some) }, { weight: 1, arbitrary: values });
}

/** Texts of a pattern that are drawn most of the time: to make new ones is slow. */
const OFTEN = 64;

const longest = (maxLength: number) => fc.constant("x".repeat(maxLength));

/** Without what gives a default or lets the field be left out. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrapped(schema.unwrap() as z.ZodType)
    : schema;
}
