import { createHash } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { JSON_TEST_SUITE, JSON_TEST_SUITE_SHA256 } from "../data/json-test-suite.ts";
import { conversionVm, send } from "../support/conversion.ts";

let vm: Vm;
beforeAll(() => {
  vm = conversionVm();
});

it("is the published suite, byte for byte", () => {
  const blobs = JSON_TEST_SUITE.map(([name, text]) => {
    const hash = createHash("sha1").update(`blob ${text.length}\0`).update(text).digest("hex");
    return { path: `${name}.json`, hash };
  });
  const lines = blobs
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ hash, path }) => `${hash} ${path}\n`);
  expect(createHash("sha256").update(lines.join("")).digest("hex")).toBe(JSON_TEST_SUITE_SHA256);
});

/** A request whose unknown member has a text as its value. */
const wrap = (text: Buffer) => Buffer.concat([Buffer.from('{"inputs":[],"x":'), text, Buffer.from("}")]);

it.each(JSON_TEST_SUITE)("%s", (name, text) => {
  for (const chunkSize of [1, 7, text.length + 100]) {
    if (text.length > 10_000 && chunkSize < 100) continue;
    const { error } = send(vm, wrap(text), chunkSize);
    if (name.startsWith("y_")) expect(error).toBeUndefined();
    else if (name.startsWith("n_")) expect(error).toBeDefined();
  }
});
