import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { KINDS, type Kind } from "../../../tools/api/kinds.ts";
import { crdFile, crdPath } from "../../../tools/api/write-crds.ts";

it.each(Object.keys(KINDS) as Kind[])("the CRD of %s is what npm run crds writes", async (kind) => {
  expect(await readFile(crdPath(kind), "utf8")).toBe(crdFile(kind));
});
