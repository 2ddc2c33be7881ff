import { z } from "zod";
import { KINDS, type Kind } from "./kinds.ts";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** JSON Schema (2020-12) of a kind's files, for editors. */
export function jsonSchema(kind: Kind): JsonSchema {
  return z.toJSONSchema(KINDS[kind].schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      for (const key of Object.keys(jsonSchema)) if (key.startsWith("x-kubernetes-")) delete jsonSchema[key];
    },
  }) as JsonSchema;
}

/**
 * OpenAPI v3 schema of a kind for its CustomResourceDefinition: structural, with CEL rules. Unknown fields
 * are left to the API server's pruning and its strict field validation; free-form objects keep theirs.
 */
export function structuralSchema(kind: Kind): JsonSchema {
  const schema = z.toJSONSchema(KINDS[kind].schema, {
    io: "input",
    target: "openapi-3.0",
    override: ({ jsonSchema }) => {
      if (jsonSchema.properties !== undefined) {
        if (typeof jsonSchema.additionalProperties === "object")
          jsonSchema["x-kubernetes-preserve-unknown-fields"] = true;
        delete jsonSchema.additionalProperties;
      }
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // Each pattern of several, whose type is that of the whole.
      for (const each of jsonSchema.allOf ?? []) if (typeof each === "object") delete each.type;
      const rules = jsonSchema["x-kubernetes-validations"];
      if (Array.isArray(rules) && rules.length === 0) delete jsonSchema["x-kubernetes-validations"];
    },
  }) as JsonSchema;
  const { metadata, spec, status } = schema.properties as Record<string, JsonSchema & object>;
  const { name } = (metadata as { properties: { name: { maxLength: number } } }).properties;
  return {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object", properties: { name: { type: "string", maxLength: name.maxLength } } },
      spec: spec as JsonSchema,
      status: status as JsonSchema,
    },
    required: ["spec"],
  };
}
