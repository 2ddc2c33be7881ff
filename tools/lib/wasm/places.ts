import { readFileSync } from "node:fs";
import { functionNames, functionsOf, type WasmFunction } from "./functions.ts";
import { type MapSegment, readMappings, type SourceMapFile } from "./source-map.ts";

/**
 * How the author of a module knows a source that the compiler saw.
 * @returns its path to show; undefined for what the author has not written
 */
export type OwnSource = (seen: string) => string | undefined;

/** The place of an instruction. */
export interface Frame {
  /** Name of the function that runs, as the compiler made it: `filters/rate-limit/bucket/Bucket#take`. */
  function: string;
  /** `file:line:column`; undefined for what the author has not written. */
  place: string | undefined;
}

/** Tells from offsets in a module where they were written, by the source map beside it and its names. */
export class Places {
  private readonly functions: WasmFunction[];
  private readonly names: Map<number, string>;
  private readonly segments: MapSegment[];
  private readonly shown: (string | undefined)[];
  private readonly own: OwnSource;

  constructor(module: Uint8Array, map: SourceMapFile, own: OwnSource) {
    this.functions = functionsOf(module);
    this.names = functionNames(module);
    this.segments = readMappings(map.mappings);
    this.shown = map.sources.map(own);
    this.own = own;
  }

  /**
   * @param named the function as the host names it
   * @returns undefined for an offset of another module: one whose function there has another name
   */
  frameAt(offset: number, named: string | undefined): Frame | undefined {
    const runs = this.functions.find(({ from, to }) => from <= offset && offset < to);
    const name = runs && this.names.get(runs.index);
    if (!runs || name === undefined || (named !== undefined && named !== name)) return undefined;
    return { function: name, place: this.placeOf(offset, runs.from, this.isOwn(name)) };
  }

  /** Where the author wrote `file:line:column` of what the compiler saw; undefined for others' files. */
  ownPlace(file: string, position: string): string | undefined {
    const path = this.own(file);
    return path && `${path}:${position}`;
  }

  /** Whether the author wrote some of the instructions in `[from, to)`; undefined where no place is known. */
  isOwnCode(from: number, to: number): boolean | undefined {
    let known: boolean | undefined;
    for (const { offset, place } of this.segments) {
      if (offset >= to) break;
      if (offset < from || !place) continue;
      if (this.shown[place.source] !== undefined) return true;
      known = false;
    }
    return known;
  }

  /** Functions are named by their file without its ending, and what it declares. */
  isOwn(name: string): boolean {
    return this.own(`${name.slice(0, Math.max(0, name.lastIndexOf("/")))}.ts`) !== undefined;
  }

  /**
   * The nearest instruction before it that has a place; in a function of the author's, into which the
   * compiler may have put others', the nearest that the author wrote.
   */
  private placeOf(offset: number, from: number, inOwn: boolean): string | undefined {
    let at = this.segments.findLastIndex((segment) => segment.offset <= offset);
    for (let segment = this.segments[at]; segment && segment.offset >= from; segment = this.segments[--at]) {
      const { place } = segment;
      if (!place) continue;
      const path = this.shown[place.source];
      if (path !== undefined) return `${path}:${place.line + 1}:${place.column + 1}`;
      if (!inOwn) return undefined;
    }
    return undefined;
  }
}

/** @throws Error when the module, or the source map that the compiler leaves beside it, is not there */
export function readPlaces(modulePath: string, own: OwnSource): Places {
  return new Places(readFileSync(modulePath), JSON.parse(readFileSync(`${modulePath}.map`, "utf8")), own);
}

/** For the filters themselves: all sources but the compiler's library are their author's. */
export function filterSource(seen: string): string | undefined {
  return seen.startsWith("~lib/") || seen === "filters/sdk/host/abort.ts" ? undefined : seen;
}
