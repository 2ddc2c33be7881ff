import { type Finding, lineAt, type Source } from "./source.ts";

const MAX_CODE_LINES = 250;
const MAX_COMMENT_COLUMNS = 110;

export function longFiles(sources: Source[]): Finding[] {
  return sources
    .filter(({ path }) => path.endsWith(".ts"))
    .flatMap(({ path, code }) => {
      const lines = code.split("\n").filter((line) => line.trim() !== "").length;
      const text = `has ${lines} lines of code, more than ${MAX_CODE_LINES}: split it by purpose`;
      return lines > MAX_CODE_LINES ? [{ path, line: MAX_CODE_LINES + 1, text }] : [];
    });
}

export function longComments(sources: Source[]): Finding[] {
  return sources.flatMap(({ path, text: whole, code }) => {
    const blanked = code.split("\n");
    return whole.split("\n").flatMap((line, i) => {
      const isComment = /^\s*(?:\/\/|\/?\*)/.test(line) && blanked[i]?.trim() === "";
      const text = `a comment of ${line.length} columns, more than ${MAX_COMMENT_COLUMNS}: break the line`;
      return isComment && line.length > MAX_COMMENT_COLUMNS ? [{ path, line: i + 1, text }] : [];
    });
  });
}

const SLEEP = /\bawait (?:sleep|delay|setTimeout)\(|\bsetTimeout\((?:resolve|done)\b[^)]*\)\)/g;

/** Tests that let time pass and do not say what for; `home` is the file whose functions do. */
export function bareSleeps(sources: Source[], home: string): Finding[] {
  const text = `sleeps: wait for what comes with until(), or say what the time is for (${home})`;
  return sources
    .filter(({ path }) => path !== home)
    .flatMap(({ path, bare, imports }) =>
      [
        ...imports.filter(({ specifier }) => specifier === "node:timers/promises").map(({ line }) => line),
        ...[...bare.matchAll(SLEEP)].map(({ index }) => lineAt(bare, index)),
      ].map((line) => ({ path, line, text })),
    );
}

/** Hooks that a helper sets when it is loaded: that is once for many files, and only the first of them has the hooks. */
export function hooksOfHelpers(sources: Source[]): Finding[] {
  const text = "is set for the first file alone that loads this: set it in a function (onTestFinished)";
  return sources
    .filter(({ path }) => !path.endsWith(".test.ts"))
    .flatMap(({ path, bare }) =>
      [...bare.matchAll(/^(?:before|after)(?:Each|All)\(/gm)].map(({ index }) => ({
        ...{ path, line: lineAt(bare, index), text },
      })),
    );
}

const TIME = "timeout|interval|delay|period|grace|duration|latency|pause|backoff|lifetime|elapsed|wait|ttl";
/** A field, parameter or variable of a number type, and a constant that is a number. */
const NUMBER = /\b([a-z]\w*)\??: (?:number|[iuf](?:32|64))\b/g;
const CONSTANT = /\b(?:const|readonly) ([A-Z][A-Z0-9_]*)(?:: \w+)? = -?[\d_.]+(?:e\d+)?(?: \* [\d_.]+)*[;,]/g;
const UNIT_LESS = new RegExp(`(?:^|_)(?:${TIME})$|(?:${TIME.replace(/\b[a-z]/g, (c) => c.toUpperCase())})$`);
const UNIT_LESS_CONSTANT = new RegExp(`(?:^|_)(?:${TIME})$`, "i");
const LONG_UNITS: [RegExp, string][] = [
  [/\wMilliseconds$|_MILLISECONDS$/, "Ms"],
  [/\wNanoseconds$|_NANOSECONDS$/, "Nanos"],
  [/\wMicroseconds$|_MICROSECONDS$/, "Micros"],
  [/\wSecs?$|_SECS?$|\wMillis$|_MILLIS$/, "Seconds or Ms"],
];

/** Numbers that are times and do not say of what unit, or say it in another way than the rest. */
export function unitsMissing(sources: Source[]): Finding[] {
  return sources.flatMap(({ path, bare }) => {
    const of = (pattern: RegExp, isUnitLess: RegExp) =>
      [...bare.matchAll(pattern)].flatMap(({ index, 1: name = "" }) => {
        const text = unitFault(name, isUnitLess);
        return text === undefined ? [] : [{ path, line: lineAt(bare, index), text }];
      });
    return [...of(NUMBER, UNIT_LESS), ...of(CONSTANT, UNIT_LESS_CONSTANT)];
  });
}

function unitFault(name: string, isUnitLess: RegExp): string | undefined {
  if (isUnitLess.test(name))
    return `${name} is a time and does not say its unit: end its name in Ms, Seconds or Nanos`;
  const [, short] = LONG_UNITS.find(([long]) => long.test(name)) ?? [];
  return short === undefined
    ? undefined
    : `${name} spells its unit out: end its name in ${short}, as others do`;
}
