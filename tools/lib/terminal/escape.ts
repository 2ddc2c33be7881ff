/**
 * What a terminal takes for commands, or what makes text look like another: C0 and C1 controls, DEL,
 * separators of lines and paragraphs, and the controls of bidirectional text (Unicode, UAX 9; "Trojan
 * Source", Boucher and Anderson).
 */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text as a terminal may show it: controls become `\u001b` and the like, as in JSON, so that JSON means
 * what it meant. Lines and tabs stay.
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) =>
    control === "\n" || control === "\t" ? control : escaped(control),
  );
}

/** A value within a line, which can't end the line either. */
export function escapeValue(text: string): string {
  return text.replace(CONTROLS, escaped);
}

function escaped(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** At most so many characters, the last of them `…` where there were more. */
export function capped(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
