/** What the compiler says of a source. */
export interface Diagnostic {
  /** As TypeScript numbers it. */
  code: number;
  message: string;
  /** Undefined for what is about no place. */
  at:
    | {
        /** As the compiler sees it. */
        source: string;
        /** Undefined in the compiler's own library. */
        place: Place | undefined;
      }
    | undefined;
}

interface Place {
  line: number;
  column: number;
  /** The source's line, and how much of it is meant. */
  text: string;
  length: number;
}

/** What `asc` gives to `reportDiagnostic`; `start` and `end` are offsets in the text. */
interface CompilerMessage {
  code: number;
  message: string;
  range: { start: number; end: number; source: { normalizedPath: string } } | null;
}

/** @param texts what the compiler read, by name */
export function diagnosticOf(
  { code, message, range }: CompilerMessage,
  texts: ReadonlyMap<string, string>,
): Diagnostic {
  if (!range) return { code, message, at: undefined };
  const source = range.source.normalizedPath;
  const text = texts.get(source);
  const place = text === undefined ? undefined : placeOf(text, range.start, range.end);
  return { code, message, at: { source, place } };
}

function placeOf(source: string, start: number, end: number): Place {
  const before = source.slice(0, start);
  const from = before.lastIndexOf("\n") + 1;
  const [text = ""] = source.slice(from).split("\n", 1);
  return {
    line: before.split("\n").length,
    column: start - from + 1,
    text,
    length: Math.max(1, Math.min(end, from + text.length) - start),
  };
}

const CANNOT_FIND_NAME = 2304;
const NO_EXPORTED_MEMBER = 2305;

/** Without those that only follow from one before: the same name is not there again, the same place. */
export function withoutFollowOns(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const missing = new Set<string>();
  const places = new Set<string>();
  return diagnostics.filter(({ code, message, at }) => {
    const name = /'([^']+)'\.$/.exec(message)?.[1] ?? "";
    const place = at?.place ? `${at.source}:${at.place.line}:${at.place.column}` : message;
    const follows = places.has(place) || (code === CANNOT_FIND_NAME && missing.has(name));
    places.add(place);
    if (code === CANNOT_FIND_NAME || code === NO_EXPORTED_MEMBER) missing.add(name);
    return !follows;
  });
}

/** `file:line:column: message`, and the line below it. @param shown path of a source, to show */
export function diagnosticText({ code, message, at }: Diagnostic, shown: (source: string) => string): string {
  if (!at) return message;
  const { place } = at;
  if (!place) return `${shown(at.source)}: ${message} (TS${code})`;
  const indent = place.text.slice(0, place.column - 1).replaceAll(/[^\t]/g, " ");
  const head = `${shown(at.source)}:${place.line}:${place.column}: ${message} (TS${code})`;
  return `${head}\n    ${place.text}\n    ${indent}${"~".repeat(place.length)}`;
}
