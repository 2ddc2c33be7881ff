import { isDeepStrictEqual } from "node:util";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseAllDocuments,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { type Change, changed } from "./change.ts";

/** A place in a text of several YAML documents: the document's number, then the path in it. */
export interface Root {
  document: number;
  path: PropertyKey[];
}

/**
 * Writes changes of a resource into its YAML or JSON, and touches nothing else: comments, order, quotes and
 * blank lines stay as they are.
 * @throws Error for text that can't be edited so, such as a list that is an alias
 */
export function editYaml(text: string, root: Root, changes: Change[]): string {
  let edited = text;
  for (const change of changes) {
    const parsed = parse(edited, root);
    if ("append" in change) edited = append(edited, parsed, [...root.path, ...change.to], change.append);
    else {
      const path = [...root.path, ...change.of];
      if (change.insteadOf !== undefined)
        edited = renamed(edited, parsed, path, change.insteadOf, change.field);
      edited = set(edited, parse(edited, root), path, change.field, change.set);
    }
  }
  const wanted = changed(resourceOf(parse(text, root), root), changes);
  if (!isDeepStrictEqual(resourceOf(parse(edited, root), root), wanted))
    throw new Error("the file's form can't be edited: write aliases and tags out in full");
  return edited;
}

function parse(text: string, { document }: Root): Document.Parsed {
  const documents = parseAllDocuments(text);
  const found = Array.isArray(documents) ? documents[document] : undefined;
  if (!found || found.errors.length > 0) throw new Error("the file's form can't be edited");
  return found as Document.Parsed;
}

function resourceOf(document: Document.Parsed, { path }: Root): unknown {
  let value: unknown = document.toJS();
  for (const key of path) value = (value as Record<PropertyKey, unknown>)[key];
  return value;
}

function append(text: string, document: Document.Parsed, path: PropertyKey[], value: unknown): string {
  const list = document.getIn(path, true);
  if (isSeq(list) && list.items.length > 0) {
    const last = list.items.at(-1) as Node;
    if (list.flow) return insert(text, end(last), `, ${JSON.stringify(value)}`);
    return insertLines(text, endOfLine(text, lastLeaf(last)), block([value]), columnOf(text, start(list)));
  }
  const field = String(path.at(-1));
  return set(text, document, path.slice(0, -1), field, [value]);
}

function set(
  text: string,
  document: Document.Parsed,
  path: PropertyKey[],
  field: string,
  value: unknown,
): string {
  const map = document.getIn(path, true);
  if (!isMap(map)) throw new Error(`${path.map(String).join(".")} must be written out to be edited`);
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === field);
  const nested = typeof value === "object";
  if (pair) {
    const old = pair.value as Node | null;
    if (old && isAlias(old)) throw new Error(`${field} is an alias: write it out to be edited`);
    const empty = !old || start(old) === end(old);
    const key = pair.key as Node;
    if (map.flow && !old) return insert(text, end(key), `: ${JSON.stringify(value)}`);
    if (map.flow || (!nested && !empty)) {
      const space = text[start(old as Node) - 1] === ":" ? " " : "";
      return replace(text, old as Node, space + JSON.stringify(value));
    }
    const without = trimEndOfLine(empty ? text : removed(text, old), end(key));
    if (!nested) return insert(without, end(key) + 1, ` ${JSON.stringify(value)}`);
    const column = columnOf(text, start(key)) + 2;
    return insertLines(without, lineEnd(without, end(key)), block(value), column);
  }
  if (map.flow) {
    const last = map.items.at(-1);
    const entry = `${JSON.stringify(field)}: ${JSON.stringify(value)}`;
    return last ? insert(text, end(lastOf(last)), `, ${entry}`) : insert(text, start(map) + 1, entry);
  }
  const column = columnOf(text, start((map.items[0] as Pair).key as Node));
  return insertLines(text, endOfLine(text, lastLeaf(map)), block({ [field]: value }), column);
}

/** The text with another name for a field, where it is there. */
function renamed(
  text: string,
  document: Document.Parsed,
  path: PropertyKey[],
  from: string,
  to: string,
): string {
  const map = document.getIn(path, true);
  const pair = isMap(map) && map.items.find(({ key }) => isScalar(key) && key.value === from);
  if (!pair) return text;
  const key = pair.key as Node;
  return replace(text, key, isScalar(key) && key.type === "PLAIN" ? to : JSON.stringify(to));
}

/** Block YAML without indentation. */
function block(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

function insert(text: string, offset: number, addition: string): string {
  return text.slice(0, offset) + addition + text.slice(offset);
}

function replace(text: string, node: Node, by: string): string {
  return text.slice(0, start(node)) + by + text.slice(end(node));
}

/** The text without a node, and without the line that held it alone. */
function removed(text: string, node: Node): string {
  const before = text.slice(0, start(node));
  return before.replace(/\n[ \t]*$/, "") + text.slice(end(node));
}

/** Puts lines, each `column` characters in, behind the line that ends at `offset`. */
function insertLines(text: string, offset: number, lines: string, column: number): string {
  const indented = lines
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => (line === "" ? line : " ".repeat(column) + line))
    .join("\n");
  const before = text.slice(0, offset);
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  const after = text.slice(offset);
  return `${before}${separator}${indented}${separator === "" || after === "" ? "\n" : ""}${after}`;
}

function trimEndOfLine(text: string, offset: number): string {
  const at = lineEnd(text, offset);
  return text.slice(0, at).trimEnd() + text.slice(at);
}

/** Offset where the line of a node's last character ends, before its line break. */
function endOfLine(text: string, leaf: Node): number {
  const offset = end(leaf);
  return text[offset - 1] === "\n" ? offset : lineEnd(text, offset);
}

function lineEnd(text: string, offset: number): number {
  const found = text.indexOf("\n", offset);
  return found < 0 ? text.length : found;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

/** The node that ends last within a node: collections in block form have no end of their own. */
function lastLeaf(node: Node): Node {
  if ((isMap(node) || isSeq(node)) && !(node as YAMLMap | YAMLSeq).flow) {
    const last = node.items.at(-1);
    if (last) return lastLeaf(isMap(node) ? lastOf(last as Pair) : (last as Node));
  }
  return node;
}

function lastOf({ key, value }: Pair): Node {
  return (value as Node | null) ?? (key as Node);
}

function start(node: Node): number {
  return node.range?.[0] ?? 0;
}

function end(node: Node): number {
  return node.range?.[1] ?? 0;
}
