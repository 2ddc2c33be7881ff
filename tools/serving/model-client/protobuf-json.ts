import protobuf from "protobufjs";

/**
 * Encodes a message that is written as protobuf JSON: fields by their JSON or their original names, bytes in
 * base64, enums by name or number, 64-bit integers as numbers or strings. The JSON forms of the well-known
 * types (Timestamp, Any, ...) are not known: write their fields.
 * @throws Error that names a field which the type does not have, or whose value does not fit
 * @see https://protobuf.dev/programming-guides/json/
 */
export function encodeJson(type: protobuf.Type, json: object): Buffer {
  type.root.resolveAll();
  return Buffer.from(type.encode(type.fromObject(named(type, json, ""))).finish());
}

/** The object with the original names of its fields. */
function named(type: protobuf.Type, json: unknown, path: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error(`${path || type.name}: must be an object (${type.name})`);
  const entries = Object.entries(json).map(([key, value]) => {
    const field = type.fields[key] ?? type.fieldsArray.find(({ name }) => jsonName(name) === key);
    const at = path ? `${path}.${key}` : key;
    if (!field)
      throw new Error(`${at}: ${type.name} has no such field; it has ${Object.keys(type.fields).join(", ")}`);
    return [field.name, fieldValue(field, value, at)] as const;
  });
  return Object.fromEntries(entries);
}

function fieldValue(field: protobuf.Field, value: unknown, at: string): unknown {
  const type = field.resolvedType;
  if (field instanceof protobuf.MapField) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Error(`${at}: must be an object`);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, element(field, type, item, `${at}.${key}`)]),
    );
  }
  if (!field.repeated) return element(field, type, value, at);
  if (!Array.isArray(value)) throw new Error(`${at}: must be a list`);
  return value.map((item, index) => element(field, type, item, `${at}[${index}]`));
}

function element(
  field: protobuf.Field,
  type: protobuf.Type | protobuf.Enum | null,
  value: unknown,
  at: string,
): unknown {
  if (type instanceof protobuf.Type) return named(type, value, at);
  if (type instanceof protobuf.Enum) {
    if (typeof value === "string" && type.values[value] === undefined)
      throw new Error(`${at}: must be one of ${Object.keys(type.values).join(", ")}`);
    return value;
  }
  const wanted =
    field.type === "string" || field.type === "bytes"
      ? "string"
      : field.type === "bool"
        ? "boolean"
        : "number";
  const isLong = field.type.endsWith("64") && typeof value === "string" && /^-?\d+$/.test(value);
  const isSpecial = wanted === "number" && typeof value === "string" && /^(NaN|-?Infinity)$/.test(value);
  if (typeof value !== wanted && !isLong && !isSpecial)
    throw new Error(`${at}: must be a ${wanted} (${field.type})`);
  return isSpecial ? Number(value) : value;
}

/** lowerCamelCase, as protoc derives it. */
function jsonName(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
