import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";

/** The documents of a YAML text; none for an empty one. */
export function parseDocuments(text: string, lineCounter?: LineCounter): Document.Parsed[] {
  const documents = parseAllDocuments(text, lineCounter && { lineCounter });
  return Array.isArray(documents) ? documents : [];
}

/**
 * Where fields stand in a text. It is parsed anew for the first of them: thousands of syntax trees would fill
 * the memory.
 */
export class Positions {
  private readonly text: string;
  private parsed: { documents: Document.Parsed[]; lines: LineCounter } | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Line of a place in the text, from 1. */
  lineAt(offset: number): number {
    return this.parse().lines.linePos(offset).line;
  }

  /** Line of a field of a document, or of the deepest part of its path that is there. */
  lineOf(document: number, path: PropertyKey[]): number {
    let node: unknown = this.parse().documents[document]?.contents;
    let offset = (node as Node | null)?.range?.[0] ?? 0;
    for (const key of path) {
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
        if (pair === undefined) break;
        offset = (pair.key as Node).range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        offset = (node as Node | undefined)?.range?.[0] ?? offset;
      } else break;
    }
    return this.lineAt(offset);
  }

  private parse() {
    if (!this.parsed) {
      const lines = new LineCounter();
      this.parsed = { documents: parseDocuments(this.text, lines), lines };
    }
    return this.parsed;
  }
}
