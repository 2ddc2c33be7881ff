import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { structuralSchema } from "../../../tools/api/json-schema.ts";
import { KINDS, type Kind } from "../../../tools/api/kinds.ts";
import { crdFile, crdPath } from "../../../tools/api/write-crds.ts";

it.each(Object.keys(KINDS) as Kind[])("the CRD of %s is what npm run crds writes", async (kind) => {
  expect(await readFile(crdPath(kind), "utf8")).toBe(crdFile(kind));
});

/** What the API server takes in no member of these (structural schemas of apiextensions.k8s.io/v1). */
const LOGICAL = ["allOf", "anyOf", "oneOf", "not"];
const NOT_WITHIN = ["type", "description", "default", "additionalProperties", "nullable", "title"];

function forbidden(schema: unknown, path: string, within = false): string[] {
  if (Array.isArray(schema)) return schema.flatMap((each, i) => forbidden(each, `${path}[${i}]`, within));
  if (typeof schema !== "object" || schema === null) return [];
  const own = within ? NOT_WITHIN.filter((key) => typeof Reflect.get(schema, key) === "string") : [];
  return [
    ...own.map((key) => `${path}.${key}`),
    ...Object.entries(schema).flatMap(([key, value]) =>
      forbidden(value, `${path}.${key}`, within || LOGICAL.includes(key)),
    ),
  ];
}

it.each(Object.keys(KINDS) as Kind[])("the schema of %s is structural: an API server takes it", (kind) => {
  expect(forbidden(structuralSchema(kind), kind)).toEqual([]);
});

it.each(Object.keys(KINDS) as Kind[])(
  "the CRD of %s is the same to readers of YAML 1.1, as kubectl and Helm",
  (kind) => {
    const text = crdFile(kind);
    expect(parse(text, { version: "1.1" })).toEqual(parse(text));
  },
);
