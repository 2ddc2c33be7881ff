import { readFile, writeFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { program } from "./support/programs.ts";

/** Kinds of Istio and the Gateway API that a render can hold. */
const KINDS = [
  "Gateway",
  "VirtualService",
  "DestinationRule",
  "WasmPlugin",
  "EnvoyFilter",
  "HTTPRoute",
  "GRPCRoute",
];
const FILE = new URL("../fixtures/schemas.json", import.meta.url);

interface Definition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; storage: boolean; schema: { openAPIV3Schema: Schema } }[];
  };
}

type Schema = { [key: string]: unknown; properties?: Record<string, Schema> };

const COMBINED = new Set(["oneOf", "anyOf", "allOf", "not"]);

/** Objects take no other fields; what only the API server reads is left out. */
function closed(value: unknown, isProperties = false, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((item) => closed(item, false, isPart));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(
      ([key]) =>
        isProperties || (key !== "description" && key !== "format" && !key.startsWith("x-kubernetes-v")),
    )
    .map(([key, item]) => {
      const part = isPart || (!isProperties && COMBINED.has(key));
      return [key, closed(item, !isProperties && key === "properties", part)] as const;
    });
  const schema = Object.fromEntries(entries) as Schema;
  const free = isProperties || isPart || schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (schema.properties && !free) schema.additionalProperties ??= false;
  return schema;
}

/** Writes test/fixtures/schemas.json from the definitions that the cluster lane installs: `node test/cluster/record-schemas.ts`. */
const schemas: Record<string, unknown> = {};
for (const file of ["crd-all.gen.yaml", "gateway-api-crd.yaml"]) {
  for (const document of parseAllDocuments(await readFile(await program("istio", file), "utf8"))) {
    const { spec } = document.toJS() as Definition;
    const version = spec?.versions?.find(({ storage }) => storage);
    if (!version || !KINDS.includes(spec.names.kind)) continue;
    schemas[`${spec.group}/${version.name} ${spec.names.kind}`] = closed(
      version.schema.openAPIV3Schema.properties?.spec,
    );
  }
}
await writeFile(FILE, `${JSON.stringify(schemas)}\n`);
console.error(`recorded ${Object.keys(schemas).join(", ")}`);
