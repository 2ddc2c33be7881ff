import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { expect, it } from "vitest";
import { modulePath } from "../../../tools/lib/wasm/modules.ts";
import { readMappings, writeMappings } from "../../../tools/lib/wasm/source-map.ts";

const map = JSON.parse(readFileSync(`${modulePath("rate-limit")}.map`, "utf8"));

it("reads the mappings of a module as Node does", () => {
  const node = new SourceMap(map);
  const placed = readMappings(map.mappings).filter(({ place }) => place);
  expect(placed.length).toBeGreaterThan(1000);
  for (const { offset, place } of placed) {
    const entry = node.findEntry(0, offset);
    expect(entry).toMatchObject({
      originalSource: map.sources[place?.source ?? -1],
      originalLine: place?.line,
      originalColumn: place?.column,
    });
  }
});

it("writes what it reads", () => {
  expect(writeMappings(readMappings(map.mappings))).toBe(map.mappings);
});
