import { type JsonSchema, jsonSchema } from "../../../tools/api/json-schema.ts";
import type { Kind } from "../../../tools/api/kinds.ts";
import { page, plain, table } from "./markdown.ts";

type Schema = Exclude<JsonSchema, boolean>;

/** The fields of a kind, from its JSON Schema: those of spec, a section for each of its fields that has fields. */
export function resourcePage(kind: Kind): string {
  const schema = jsonSchema(kind) as Schema;
  const { apiVersion, spec } = schema.properties as Record<"apiVersion" | "spec", Schema>;
  const fields = Object.entries(spec.properties ?? {}) as [string, Schema][];
  const sections = fields.filter(([, field]) => rows("", field, schema).length > 0);
  return page(
    kind,
    `Fields of \`spec\` of a ${kind} (\`${apiVersion.const}\`), from its schema. \`modelgate validate\` checks files against it; \`manifests/crds\` has it as custom resource definition. Fields in bold are required.`,
    fieldTable(fields.map(([name, field]) => row(name, field, schema, spec))),
    ...sections.flatMap(([name, field]) => [
      `## spec.${name}`,
      plain(field.description ?? ""),
      fieldTable(rows(name, field, schema)),
    ]),
  );
}

function fieldTable(fields: string[][]): string {
  return table(["field", "type", "meaning"], fields);
}

/** Fields below one, by their paths in it. */
function rows(path: string, schema: Schema, root: Schema): string[][] {
  const { field, mark } = inner(resolved(schema, root), root);
  const properties = Object.entries(field.properties ?? {}) as [string, Schema][];
  return properties.flatMap(([name, each]) => {
    const at = `${path}${mark}.${name}`;
    return [row(at, each, root, field, name), ...rows(at, each, root)];
  });
}

function row(path: string, schema: Schema, root: Schema, parent: Schema, name = path): string[] {
  const field = resolved(schema, root);
  const required = parent.required?.includes(name) ?? false;
  return [
    required ? `**\`${path}\`**` : `\`${path}\``,
    typeOf(field, root),
    plain(schema.description ?? field.description ?? ""),
  ];
}

/** What the fields below are of: of an array its entries, of a map its values. */
function inner(field: Schema, root: Schema): { field: Schema; mark: string } {
  if (field.type === "array" && typeof field.items === "object" && !Array.isArray(field.items))
    return { field: resolved(field.items as Schema, root), mark: "[]" };
  return { field, mark: "" };
}

function resolved(schema: Schema, root: Schema): Schema {
  const [, name] = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? "") ?? [];
  return name === undefined ? schema : ((root.$defs?.[name] as Schema | undefined) ?? schema);
}

function typeOf(field: Schema, root: Schema): string {
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(", ");
  if (field.const !== undefined) return `\`${field.const}\``;
  const variants = (field.anyOf ?? field.oneOf) as Schema[] | undefined;
  if (variants) return [...new Set(variants.map((each) => typeOf(resolved(each, root), root)))].join(" or ");
  if (field.type === "array") {
    const { items } = field as { items?: Schema };
    return items ? `list of ${typeOf(resolved(items, root), root)}` : "list";
  }
  if (field.type === "object" && typeof field.additionalProperties === "object" && !field.properties)
    return `map to ${typeOf(field.additionalProperties as Schema, root)}`;
  return `${field.type ?? "any"}${bounds(field)}`;
}

function bounds({ minimum, maximum, exclusiveMinimum, maxLength }: Schema): string {
  const parts = [
    minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? "" : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? "" : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? "" : `≤ ${maximum}`,
    maxLength === undefined ? "" : `to ${maxLength} characters`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}
