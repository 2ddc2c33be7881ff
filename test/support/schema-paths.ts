import { z } from "zod";
import { unwrapped } from "./schema-arbitrary.ts";

/**
 * Every field of a schema, such as `spec.cors.origins[]`, and each word of those that have some, such as
 * `spec.mode=off`.
 */
export function schemaPaths(schema: z.ZodType, path: string): string[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject)
    return [
      path,
      ...Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
        schemaPaths(field, `${path}.${name}`),
      ),
    ];
  if (inner instanceof z.ZodArray) return [path, ...schemaPaths(inner.element as z.ZodType, `${path}[]`)];
  if (inner instanceof z.ZodRecord) return [path];
  if (inner instanceof z.ZodEnum) return inner.options.map((word) => `${path}=${word}`);
  if (inner instanceof z.ZodBoolean) return [`${path}=true`, `${path}=false`];
  return [path];
}

/** The fields that a value has, as `schemaPaths` writes them. */
export function valuePaths(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((each) => valuePaths(each, `${path}[]`))];
  if (typeof value === "object" && value !== null)
    return [path, ...Object.entries(value).flatMap(([name, each]) => valuePaths(each, `${path}.${name}`))];
  return [path, `${path}=${value}`];
}
