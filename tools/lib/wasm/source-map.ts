/** Where an instruction came from: numbers count from 0, as in the source map. */
interface SourcePlace {
  source: number;
  line: number;
  column: number;
}

/**
 * From this offset of the module on. `place` is undefined for instructions that the compiler made by itself.
 */
export interface MapSegment {
  offset: number;
  place: SourcePlace | undefined;
}

export interface SourceMapFile {
  sources: string[];
  sourcesContent: string[];
  mappings: string;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/**
 * Mappings of a module, ordered by offset: one generated line, whose columns are offsets from the start of
 * the module (WebAssembly tool conventions; ECMA-426).
 */
export function readMappings(mappings: string): MapSegment[] {
  let [offset, source, line, column] = [0, 0, 0, 0];
  return mappings.split(",").map((text) => {
    const fields = readNumbers(text);
    const [byOffset = 0, bySource, byLine = 0, byColumn = 0] = fields;
    offset += byOffset;
    if (bySource === undefined) return { offset, place: undefined };
    source += bySource;
    line += byLine;
    column += byColumn;
    return { offset, place: { source, line, column } };
  });
}

/** The text that `readMappings` reads. */
export function writeMappings(segments: readonly MapSegment[]): string {
  let [offset, source, line, column] = [0, 0, 0, 0];
  const texts = segments.map(({ offset: at, place }) => {
    let text = number(at - offset);
    offset = at;
    if (place) {
      text += number(place.source - source) + number(place.line - line) + number(place.column - column);
      ({ source, line, column } = place);
    }
    return text;
  });
  return texts.join(",");
}

/** Base 64 VLQ: 5 bits a digit, the lowest first; the lowest bit of all is the sign. */
function readNumbers(text: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const character of text) {
    const digit = VALUES.get(character) ?? 0;
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit >= 32) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function number(value: number): string {
  let left = Math.abs(value) * 2 + (value < 0 ? 1 : 0);
  let text = "";
  do {
    const digit = left % 32;
    left = Math.floor(left / 32);
    text += DIGITS[left > 0 ? digit + 32 : digit];
  } while (left > 0);
  return text;
}
