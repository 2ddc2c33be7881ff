import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload } from "node:module";

/**
 * Adds the source position to each frame of a WebAssembly backtrace, from the source map beside the module:
 * both Envoy's form `0x1a2b - function` and the form of V8 in Node `wasm-function[3]:0x1a2b`. Offsets count
 * from the start of the module.
 */
export async function symbolizer(modulePath: string): Promise<(text: string) => string> {
  const map = new SourceMap(JSON.parse(await readFile(`${modulePath}.map`, "utf8")) as SourceMapPayload);
  return (text) =>
    text.replace(/(?:wasm-function\[\d+\]:|\d+:\s+)(0x[0-9a-f]+)(?: - \S+)?/g, (frame, offset: string) => {
      const entry = map.findEntry(0, Number(offset));
      return "originalSource" in entry
        ? `${frame} (${entry.originalSource}:${entry.originalLine + 1})`
        : frame;
    });
}
