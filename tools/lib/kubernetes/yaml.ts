import { dump } from "js-yaml";
import { escapeControls, escapeValue } from "../terminal/escape.ts";

/**
 * A value of JSON as YAML that readers of YAML 1.2 and of 1.1 (kubectl) both read back as it was: strings
 * such as `on`, `1_000` or a time are quoted, and what a terminal would take for a command is escaped. Fields
 * that are undefined are left out.
 */
export function toYaml(value: unknown): string {
  const quoted = new Map<string, string>();
  const text = dump(withMarks(value, quoted), {
    ...{ noRefs: true, lineWidth: -1, skipInvalid: true, quoteStyle: "double" },
  });
  return quoted.size === 0 ? text : text.replace(MARK, (mark) => quoted.get(mark) as string);
}

const MARK = /modelgate-quoted-\d+-/g;

/** Puts marks where strings have controls, and their text in JSON, which YAML reads, into `quoted`. */
function withMarks(value: unknown, quoted: Map<string, string>): unknown {
  if (typeof value === "string") {
    if (escapeControls(value) === value) return value;
    const mark = `modelgate-quoted-${quoted.size}-`;
    quoted.set(mark, escapeValue(JSON.stringify(value)));
    return mark;
  }
  if (Array.isArray(value)) return value.map((each) => withMarks(each, quoted));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [withMarks(name, quoted), withMarks(each, quoted)]),
  );
}
