import type { Document } from "yaml";
import type { z } from "zod";
import { type Fault, InvalidResources } from "./fault.ts";
import { API_VERSION } from "./fields.ts";
import { issueMessage, unknownField } from "./issue-message.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";
import { KINDS, type Kind, type Resource } from "./kinds.ts";
import { Positions, parseDocuments } from "./positions.ts";
import { type ReadOptions, readSources, type SourceText } from "./read.ts";

/** A resource with where it stands, so that checks across resources can name file and line. */
export interface Loaded<R extends Resource = Resource> {
  resource: R;
  /** A fault at a field of this resource. */
  fault(path: PropertyKey[], message: string): Fault;
}

interface LoadResult {
  resources: Loaded[];
  /** All of them, in the order of the files. */
  faults: Fault[];
}

/**
 * Reads files, folders and stdin (`-`) of Tenants and ModelTasks: YAML (also several documents, also `kind:
 * List`) or JSON.
 * @throws InvalidResources with every fault; Error when a path can't be read
 */
export async function loadResources(paths: string[], options: ReadOptions = {}): Promise<Loaded[]> {
  const { resources, faults } = parseResources(await readSources(paths, options));
  if (faults.length > 0) throw new InvalidResources(faults);
  return resources;
}

/** Checks the texts against the schemas. Never throws for what the texts hold. */
export function parseResources(sources: SourceText[]): LoadResult {
  const result: LoadResult = { resources: [], faults: [] };
  for (const source of sources) {
    const positions = new Positions(source.text);
    parseDocuments(source.text).forEach((document, index) => {
      readDocument({ file: source.file, positions, index }, document, result);
    });
  }
  return result;
}

/** A custom resource of the cluster; undefined when it does not pass the schema. */
export function fromCluster(object: { kind: string; metadata: { name: string } }): Loaded | undefined {
  if (!isKind(object.kind)) return undefined;
  const parsed = KINDS[object.kind].schema.safeParse(object);
  if (!parsed.success) return undefined;
  const resource = `${object.kind}/${object.metadata.name}`;
  return {
    resource: parsed.data,
    fault: (path, message) => ({ file: "cluster", line: 0, resource, path, message }),
  };
}

/** What is wrong with a custom resource of the cluster, each for itself; it may be older than the schema. */
export function faultsInCluster(object: { kind: string; metadata: { name: string } }): Fault[] {
  const { kind } = object;
  if (!isKind(kind)) return [];
  const resource = `${kind}/${object.metadata.name}`;
  const parsed = KINDS[kind].schema.safeParse(object, { error: issueMessage, reportInput: true });
  const fault = (path: PropertyKey[], message: string) => ({
    ...{ file: "cluster", line: 0, resource, path, message },
  });
  return (parsed.error?.issues ?? []).flatMap((issue) => faultsOf(kind, issue, fault));
}

interface Place {
  file: string;
  positions: Positions;
  /** Of the document in the file. */
  index: number;
}

function readDocument(place: Place, document: Document.Parsed, result: LoadResult): void {
  const { file, positions } = place;
  for (const { code, message, pos } of document.errors) {
    const [what] = message.split(/ at line \d+/, 1);
    const line = positions.lineAt(pos[0]);
    const hint = code === "DUPLICATE_KEY" ? " (is a --- missing between two documents?)" : "";
    const fault = { file, line, resource: "document", path: [] };
    result.faults.push({ ...fault, message: `is not YAML: ${what}${hint}` });
  }
  if (document.errors.length > 0) return;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = `can't be read: ${error instanceof Error ? error.message : String(error)}`;
    result.faults.push({
      file,
      line: positions.lineOf(place.index, []),
      resource: "document",
      path: [],
      message,
    });
    return;
  }
  if (value === null) return;
  if (isRecord(value) && value.kind === "List" && Array.isArray(value.items))
    value.items.forEach((item, index) => {
      readResource(place, ["items", index], item, result);
    });
  else readResource(place, [], value, result);
}

function readResource(place: Place, prefix: PropertyKey[], value: unknown, result: LoadResult): void {
  const named = isRecord(value) && isRecord(value.metadata) ? value.metadata.name : undefined;
  const kind = isRecord(value) ? value.kind : undefined;
  const resource = `${typeof kind === "string" ? kind : "document"}/${typeof named === "string" ? named : "?"}`;
  const fault = (path: PropertyKey[], message: string): Fault => ({
    file: place.file,
    line: place.positions.lineOf(place.index, [...prefix, ...path]),
    resource,
    path,
    message,
  });
  if (!isRecord(value)) {
    result.faults.push(fault([], "must be an object with apiVersion, kind, metadata and spec"));
    return;
  }
  if (!isKind(kind)) {
    const known = `(use ${Object.keys(KINDS).join(" or ")} of ${API_VERSION})`;
    result.faults.push(fault(["kind"], `${kind === undefined ? "is required" : "is not known"} ${known}`));
    return;
  }
  const parsed = KINDS[kind].schema.safeParse(value, { error: issueMessage, reportInput: true });
  if (parsed.success) result.resources.push({ resource: parsed.data, fault });
  else for (const issue of parsed.error.issues) result.faults.push(...faultsOf(kind, issue, fault));
}

function faultsOf(kind: Kind, issue: z.core.$ZodIssue, fault: Loaded["fault"]): Fault[] {
  if (issue.code !== "unrecognized_keys") return [fault(issue.path, issue.message)];
  const known = Object.keys(schemaAt(jsonSchema(kind), issue.path)?.properties ?? {});
  return issue.keys.map((key) => fault([...issue.path, key], unknownField(key, known)));
}

function schemaAt(schema: JsonSchema, path: PropertyKey[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const key of path)
    at = (typeof key === "number" ? at?.items : at?.properties?.[String(key)]) as JsonSchema | undefined;
  return at;
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === "string" && Object.hasOwn(KINDS, kind);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
